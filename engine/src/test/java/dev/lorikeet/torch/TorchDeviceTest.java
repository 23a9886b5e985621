package dev.lorikeet.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.RunException;
import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.job.Devices;
import dev.lorikeet.torch.Device.Transpose;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Memory and products of libtorch, which the host does not touch. */
@Tag("native")
final class TorchDeviceTest {
  private static final String NEEDS_GPU = "needs a GPU and a build for CUDA";

  @Test
  void numbersComeBackAsTheyWere() {
    try (TorchDevice device = TorchDevice.standIn(Optional.empty())) {
      float[] values = Tensors.numbers("values", 12);
      try (Tensor tensor = device.floats(4, 3).copyFrom(values);
          Tensor rows = tensor.rows(1, 2);
          Tensor copy = rows.emptyLike().copyFrom(rows);
          Arena arena = Arena.ofConfined()) {
        assertArrayEquals(values, tensor.toFloats());
        float[] middle = new float[6];
        System.arraycopy(values, 3, middle, 0, 6);
        assertArrayEquals(middle, copy.toFloats());
        float[] two = new float[2];
        rows.read(1, two, 2);
        assertArrayEquals(new float[] {values[4], values[5]}, two);
        MemorySegment memory = arena.allocate(24);
        rows.copyTo(memory);
        assertArrayEquals(middle, memory.toArray(ValueLayout.JAVA_FLOAT));
        rows.zero();
        assertArrayEquals(new float[6], rows.toFloats());
        assertEquals(values[0], tensor.toFloats()[0]);
      }
      assertEquals(0, device.memory().currentBytes());
      assertEquals(0, device.blocks());
    }
  }

  /** A batch is uploaded without waiting, from a copy: the host may go on writing at once. */
  @Test
  void uploadsOfABatchDoNotWait() {
    try (TorchDevice device = TorchDevice.standIn(Optional.empty());
        Arena arena = Arena.ofConfined()) {
      uploadsDoNotWait(device, arena);
    }
  }

  @Test
  @Tag("gpu")
  void norDoTheyOnAGpu() {
    Assumptions.assumeTrue(TorchDevice.isCudaLikely(), NEEDS_GPU);
    try (TorchDevice device = (TorchDevice) Devices.open("cuda");
        Arena arena = Arena.ofConfined()) {
      uploadsDoNotWait(device, arena);
    }
  }

  private static void uploadsDoNotWait(TorchDevice device, Arena arena) {
    int[] ids = {5, -1, 1 << 30};
    MemorySegment written = arena.allocateFrom(ValueLayout.JAVA_INT, ids);
    try (Tensor fromHeap = device.ints(ids);
        Tensor fromNative = device.empty(DType.INT32, ids.length).copyFrom(written)) {
      Arrays.fill(ids, 7);
      written.fill((byte) 7);
      assertEquals(0, device.waits());
      for (Tensor tensor : List.of(fromHeap, fromNative)) {
        MemorySegment read = arena.allocate(tensor.bytes());
        tensor.copyTo(read);
        assertArrayEquals(
            new int[] {5, -1, 1 << 30}, read.toArray(ValueLayout.JAVA_INT), tensor::toString);
      }
      assertEquals(2, device.waits());
    }
  }

  @Test
  void largeWeightsAreNotCopiedOnTheWay() {
    float[] values = Tensors.numbers("large", (4 << 20) / Float.BYTES + 1);
    try (TorchDevice device = TorchDevice.standIn(Optional.empty());
        Tensor large = device.floats(values.length).copyFrom(values)) {
      assertEquals(1, device.waits());
      assertArrayEquals(values, large.toFloats());
    }
  }

  @Test
  void withoutAnAllocatorThatTellsThePeakIsThatOfTensors() {
    try (TorchDevice device = TorchDevice.standIn(Optional.empty());
        Tensor kept = device.floats(10)) {
      device.floats(90).close();
      assertEquals(400, device.peakMemory().bytes());
      assertEquals(OptionalLong.empty(), device.peakMemory().reservedBytes());
      device.peakMemory().reset();
      assertEquals(kept.bytes(), device.peakMemory().bytes());
    }
  }

  /** Blocks are rounded up to 512 bytes, and reserved in segments of at least 2 MiB. */
  @Test
  @Tag("gpu")
  void aGpuTellsWhatItsAllocatorGaveOut() {
    Assumptions.assumeTrue(TorchDevice.isCudaLikely(), NEEDS_GPU);
    long large = 64L << 20;
    try (TorchDevice device = (TorchDevice) Devices.open("cuda");
        Tensor kept = device.zeros(1)) {
      device.peakMemory().reset();
      long before = device.peakMemory().bytes();
      assertTrue(before >= kept.bytes(), "peak " + before);
      device.empty(DType.UINT8, large).close();
      long peak = device.peakMemory().bytes();
      assertEquals(before + large, peak);
      assertTrue(device.peakMemory().reservedBytes().orElseThrow() >= peak);
      device.peakMemory().reset();
      assertEquals(before, device.peakMemory().bytes());
    }
  }

  @Test
  void theHostDoesNotTouchElements() {
    try (TorchDevice device = TorchDevice.standIn(Optional.empty());
        Tensor tensor = device.zeros(2, 2)) {
      assertTrue(tensor.address() != 0);
      assertThrows(IllegalStateException.class, tensor::segment);
      assertThrows(IllegalStateException.class, device::isForHostCode);
      try (Tensor half = device.empty(DType.BFLOAT16, 2, 2)) {
        TiledMatrix matrix = TiledMatrix.of(half);
        assertThrows(IllegalStateException.class, () -> matrix.readRows(0, tensor));
        assertThrows(
            IllegalStateException.class, () -> matrix.timesTransposed(1f, tensor, 0f, tensor));
        assertThrows(IllegalStateException.class, () -> matrix.times(1f, tensor, 0f, tensor));
      }
    }
  }

  /** What the host reads and writes is the memory itself or a copy of it, wherever it lies. */
  @Test
  void theHostReachesElementsOfEveryDevice() {
    float[] values = Tensors.numbers("values", 6);
    try (CpuDevice cpu = Device.cpu(1);
        TorchDevice torch = TorchDevice.standIn(Optional.empty());
        Device shapes = Device.shapeOnly()) {
      for (Device device : new Device[] {cpu, torch, shapes}) {
        try (Tensor tensor = device.floats(2, 3);
            Tensor other =
                tensor.fill(memory -> memory.copyFrom(MemorySegment.ofArray(values))).on(cpu);
            Arena arena = Arena.ofConfined()) {
          MemorySegment seen = tensor.onHost(arena);
          float[] expected = device.holdsValues() ? values : new float[6];
          assertArrayEquals(expected, seen.toArray(ValueLayout.JAVA_FLOAT), device.name());
          assertArrayEquals(expected, other.toFloats(), device.name());
          assertEquals(device.hasHostMemory(), seen.address() == other.address());
          assertEquals(device.holdsValues() ? 1 : 0, tensor.writes());
        }
        assertEquals(0, device.memory().currentBytes());
      }
    }
  }

  @Test
  void emptyTensorsHaveBlocksOfTheirOwn() {
    try (TorchDevice device = TorchDevice.standIn(Optional.empty());
        Tensor none = device.floats(0, 3);
        Tensor neither = device.floats(3, 0)) {
      assertEquals(2, device.blocks());
      assertEquals(0, none.toFloats().length);
      assertEquals(0, neither.copyFrom(new float[0]).toFloats().length);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"BFLOAT16", "FLOAT16"})
  void halvesAreRoundedAsOnTheCpu(DType type) {
    float[] values = Tensors.numbers("halves", 1000);
    try (TorchDevice device = TorchDevice.standIn(Optional.empty());
        CpuDevice cpu = Device.cpu(1)) {
      assertArrayEquals(rounded(cpu, type, values), rounded(device, type, values));
    }
  }

  private static float[] rounded(Device device, DType type, float[] values) {
    try (Tensor floats = device.floats(values.length).copyFrom(values);
        Tensor half = device.empty(type, values.length).roundFrom(floats)) {
      return half.toFloats();
    }
  }

  /** Both sum k products in float32: each is within k·2⁻²⁴·Σ|ab| of the exact sum. */
  @ParameterizedTest
  @CsvSource({
    "NO, NO, FLOAT32",
    "NO, YES, FLOAT32",
    "YES, NO, FLOAT32",
    "NO, YES, BFLOAT16",
    "NO, NO, BFLOAT16",
    "NO, YES, FLOAT16"
  })
  void productsAreThoseOfTheCpu(Transpose transposeA, Transpose transposeB, DType type) {
    try (TorchDevice device = TorchDevice.standIn(Optional.empty());
        CpuDevice cpu = Device.cpu(1)) {
      float[] expected = product(cpu, transposeA, transposeB, type);
      float[] actual = product(device, transposeA, transposeB, type);
      double largest = 2 * (K + 2) * 0x1p-24 * (0.5 * K + 0.25);
      assertArrayEquals(expected, actual, (float) largest);
    }
  }

  private static final int M = 5;
  private static final int K = 19;
  private static final int N = 7;

  private static float[] product(
      Device device, Transpose transposeA, Transpose transposeB, DType type) {
    long[] aShape = transposeA == Transpose.YES ? new long[] {K, M} : new long[] {M, K};
    long[] bShape = transposeB == Transpose.YES ? new long[] {N, K} : new long[] {K, N};
    try (Tensor a = device.floats(aShape).copyFrom(small("a", M * K));
        Tensor b = device.floats(bShape).copyFrom(small("b", K * N));
        Tensor c = device.floats(M, N).copyFrom(small("c", M * N));
        Tensor held = type.isHalf() ? device.empty(type, bShape).roundFrom(b) : b.retain()) {
      device.gemm(transposeA, transposeB, 0.5f, a, held, 0.25f, c);
      return c.toFloats();
    }
  }

  /** Numbers of at most 1. */
  private static float[] small(String name, int count) {
    float[] values = Tensors.numbers(name, count);
    for (int i = 0; i < count; i++) {
      values[i] = (float) Math.tanh(values[i]);
    }
    return values;
  }

  @Test
  void moreMemoryThanThereIsIsRefusedInWords() {
    try (TorchDevice device = TorchDevice.standIn(Optional.empty())) {
      RunException refused = assertThrows(RunException.class, () -> device.floats(1L << 56));
      assertTrue(refused.getMessage().startsWith("allocating "), refused::getMessage);
      assertEquals(0, device.memory().currentBytes());
    }
  }

  @Test
  void anOperationThatFindsNoMemoryIsExplained() {
    try (TorchDevice device = TorchDevice.standIn(Optional.empty())) {
      RuntimeException told =
          device.explained(new RuntimeException("CUDA out of memory. Tried to allocate 2 GiB\nat"));
      assertTrue(told instanceof RunException, told::toString);
      assertTrue(told.toString().contains("lower train.micro_batch"), told::toString);
      RuntimeException other = new IllegalStateException("another");
      assertSame(other, device.explained(other));
    }
  }

  @Test
  void aGpuThatIsNotThereIsRefusedInWords() {
    Assumptions.assumeFalse(cudaIsThere(), "a GPU is there");
    ConfigException refused = assertThrows(ConfigException.class, () -> TorchDevice.requireCuda(0));
    assertTrue(refused.getMessage().startsWith("device: cuda"), refused::getMessage);
    assertTrue(refused.getMessage().contains("lorikeet doctor"), refused::getMessage);
  }

  private static boolean cudaIsThere() {
    return Files.exists(Path.of("/dev/nvidia0"));
  }
}
