package dev.lorikeet.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Rng;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Vectors give what a loop over single elements gives, wherever they begin and end. */
@Tag("native")
final class DequantizeKernelTest {
  private static final int ELEMENTS = 1000;
  private static final float OFFSET = 0.25f;
  private static final int NESTED_BLOCK = 4;

  private static byte[] bytes(String seed, int count) {
    Rng rng = new Rng(3).split(seed);
    byte[] bytes = new byte[count];
    for (int i = 0; i < count; i++) {
      bytes[i] = (byte) (rng.uniform(i) * 256);
    }
    return bytes;
  }

  private static Tensor tensor(Tensors tensors, Device device, DType type, byte[] bytes) {
    Tensor tensor = tensors.keep(device.empty(type, bytes.length));
    for (int i = 0; i < bytes.length; i++) {
      tensor.segment().set(ValueLayout.JAVA_BYTE, i, bytes[i]);
    }
    return tensor;
  }

  @ParameterizedTest
  @CsvSource({
    "0, 1, 32",
    "0, 1000, 32",
    "1, 13, 64",
    "7, 207, 64",
    "31, 2, 32",
    "32, 32, 32",
    "63, 65, 64",
    "999, 1, 4096",
    "5, 990, 256"
  })
  void fourBitsAreThoseOfThePlainLoop(int first, int count, int blockSize) {
    byte[] codes = bytes("codes", ELEMENTS / 2);
    float[] map = Tensors.numbers("map", 16);
    float[] scales = Tensors.numbers("scales", Math.ceilDiv(ELEMENTS, blockSize));
    try (Device device = Device.cpu(1);
        Tensors tensors = new Tensors(device)) {
      Tensor packed = tensor(tensors, device, DType.UINT8, codes);
      Tensor scaleTensor = tensors.of(scales, scales.length);
      FourBitKernel kernel =
          new FourBitKernel(
              packed.address(), map, blockSize, FourBitKernel.plainScales(scaleTensor.address()));
      Tensor out = tensors.empty(count);
      kernel.dequantize(first, count, out.address());

      float[] expected = new float[count];
      for (int i = 0; i < count; i++) {
        int element = first + i;
        int pair = Byte.toUnsignedInt(codes[element / 2]);
        int code = element % 2 == 0 ? pair / 16 : pair % 16;
        expected[i] = map[code] * scales[element / blockSize];
      }
      assertArrayEquals(expected, out.toFloats());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3, 4, 17, 30})
  void quantisedScalesAreRoundedAfterTheProductAndAfterTheSum(int block) {
    byte[] codes = bytes("scale codes", 31);
    float[] map = Tensors.numbers("nested map", 256);
    float[] absmax = Tensors.numbers("nested absmax", Math.ceilDiv(31, NESTED_BLOCK));
    try (Device device = Device.cpu(1);
        Tensors tensors = new Tensors(device)) {
      FourBitKernel.Scales scales =
          FourBitKernel.nestedScales(
              tensor(tensors, device, DType.UINT8, codes).address(),
              tensors.of(absmax, absmax.length).address(),
              map,
              NESTED_BLOCK,
              OFFSET);
      float product = map[Byte.toUnsignedInt(codes[block])] * absmax[block / NESTED_BLOCK];
      assertArrayEquals(new float[] {product + OFFSET}, new float[] {scales.of(block)});
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 8, 13, 207})
  void bytesAreThoseOfThePlainLoop(int count) {
    byte[] codes = bytes("int8", count + 3);
    float scale = 0.37f;
    try (Device device = Device.cpu(1);
        Tensors tensors = new Tensors(device)) {
      Tensor out = tensors.empty(count);
      long from = tensor(tensors, device, DType.INT8, codes).address() + 3;
      Int8Kernel.dequantize(from, count, scale, out.address());
      float[] expected = new float[count];
      for (int i = 0; i < count; i++) {
        expected[i] = codes[i + 3] * scale * (1f / 127f);
      }
      assertArrayEquals(expected, out.toFloats());
    }
  }
}
