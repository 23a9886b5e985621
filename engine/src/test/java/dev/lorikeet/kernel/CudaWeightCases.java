package dev.lorikeet.kernel;

import static dev.lorikeet.fixture.Rounding.U;
import static dev.lorikeet.fixture.Rounding.assertWithin;
import static dev.lorikeet.fixture.Tensors.numbers;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.lorikeet.format.Floats;
import dev.lorikeet.kernel.CudaCase.Memory;
import dev.lorikeet.kernel.CudaFourBit.Factors;
import dev.lorikeet.kernel.CudaFourBit.NestedScales;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.ManagedDevice;
import dev.lorikeet.torch.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Weights in few bits: numbers against the CPU's kernels bit for bit, products against sums in
 * double.
 */
final class CudaWeightCases {
  private static final float OFFSET = 0.25f;

  private CudaWeightCases() {}

  /**
   * A weight and what multiplies it.
   *
   * @param scales plain, or quantised themselves
   * @param height rows of x
   */
  record Shape(int rows, int columns, int blockSize, Scales scales, int height) {
    enum Scales {
      PLAIN,
      NESTED
    }
  }

  static List<Shape> shapes() {
    List<Shape> shapes = new ArrayList<>();
    for (Shape.Scales scales : Shape.Scales.values()) {
      shapes.add(new Shape(1, 1, 64, scales, 1));
      shapes.add(new Shape(3, 7, 32, scales, 4));
      shapes.add(new Shape(13, 40, 64, scales, 5));
      shapes.add(new Shape(65, 207, 64, scales, 9));
      shapes.add(new Shape(70, 264, 128, scales, 8));
      shapes.add(new Shape(130, 96, 64, scales, 70));
      shapes.add(new Shape(64, 64, 64, scales, 64));
    }
    return shapes;
  }

  /** The numbers of a weight by the CPU's kernel. */
  static float[] values(Shape shape, Memory host) {
    CudaFourBit.Weight weight = weight(shape, host);
    FourBitKernel.Scales scales =
        weight
            .nested()
            .map(nested ->
                FourBitKernel.nestedScales(
                    weight.scales().address(),
                    nested.absmax().address(),
                    nested.map(),
                    nested.blockSize(),
                    nested.offset()))
            .orElseGet(() -> FourBitKernel.plainScales(weight.scales().address()));
    int count = shape.rows * shape.columns;
    Tensor out = host.garbage(count);
    new FourBitKernel(weight.codes().address(), weight.map(), shape.blockSize, scales)
        .dequantize(0, count, out.address());
    return out.toFloats();
  }

  static CudaFourBit.Weight weight(Shape shape, Memory memory) {
    int count = shape.rows * shape.columns;
    int blocks = Math.ceilDiv(count, shape.blockSize);
    int bytes = Math.ceilDiv(count, 2);
    boolean nested = shape.scales == Shape.Scales.NESTED;
    return new CudaFourBit.Weight(
        shape.rows,
        shape.columns,
        shape.blockSize,
        memory.bytes(DType.UINT8, CudaCase.randomBytes("codes", bytes), bytes),
        nested
            ? memory.bytes(DType.UINT8, CudaCase.randomBytes("scales", blocks), blocks)
            : memory.floats(numbers("scales", blocks), blocks),
        numbers("map", 16),
        nested
            ? Optional.of(
                new NestedScales(
                    memory.floats(numbers("absmax", blocks), blocks),
                    DynamicMap.SIGNED.values(),
                    4,
                    OFFSET))
            : Optional.empty());
  }

  /** All numbers, and some rows from the middle, in each type. */
  static void numbersAgree(GpuBesideHost devices, Shape shape) {
    try (Memory here = new Memory(devices.host());
        Memory there = new Memory(devices.gpu())) {
      float[] expected = values(shape, here);
      CudaFourBit weight = new CudaFourBit(devices.cuda(), weight(shape, there));
      for (DType type : List.of(DType.FLOAT32, DType.BFLOAT16, DType.FLOAT16)) {
        for (int first = 0; first < shape.rows; first += Math.max(1, shape.rows / 2)) {
          int count = shape.rows - first;
          Tensor out = there.keep(devices.gpu().empty(type, count, shape.columns));
          weight.dequantize(first, out);
          assertArrayEquals(
              rounded(type, expected, first * shape.columns, count * shape.columns),
              read(devices.gpu(), out),
              shape + " " + type + " from row " + first);
        }
      }
    }
  }

  private static float[] rounded(DType type, float[] values, int from, int count) {
    float[] rounded = new float[count];
    for (int i = 0; i < count; i++) {
      float value = values[from + i];
      rounded[i] =
          switch (type) {
            case BFLOAT16 -> Floats.fromBf16(Floats.toBf16(value));
            case FLOAT16 -> Floats.fromF16(Floats.toF16(value));
            default -> value;
          };
    }
    return rounded;
  }

  private static float[] read(ManagedDevice gpu, Tensor tensor) {
    ByteBuffer bytes = ByteBuffer.wrap(gpu.bytes(tensor)).order(ByteOrder.nativeOrder());
    float[] values = new float[Math.toIntExact(tensor.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (tensor.dtype()) {
            case BFLOAT16 -> Floats.fromBf16(bytes.getShort());
            case FLOAT16 -> Floats.fromF16(bytes.getShort());
            default -> bytes.getFloat();
          };
    }
    return values;
  }

  static void bytesAgree(GpuBesideHost devices) {
    int rows = 13;
    int columns = 207;
    byte[] codes = CudaCase.randomBytes("codes", rows * columns);
    float[] scales = numbers("scales", rows);
    try (Memory here = new Memory(devices.host());
        Memory there = new Memory(devices.gpu())) {
      Tensor codesHere = here.bytes(DType.INT8, codes, codes.length);
      Tensor expected = here.garbage(rows, columns);
      for (int row = 0; row < rows; row++) {
        long at = (long) row * columns;
        Int8Kernel.dequantize(
            codesHere.address() + at, columns, scales[row], expected.address() + 4 * at);
      }
      Tensor codesThere = there.bytes(DType.INT8, codes, codes.length);
      Tensor scalesThere = there.floats(scales, rows);
      for (DType type : List.of(DType.FLOAT32, DType.BFLOAT16, DType.FLOAT16)) {
        Tensor out = there.keep(devices.gpu().empty(type, rows - 5, columns));
        CudaFourBit.dequantizeBytes(devices.cuda(), codesThere, scalesThere, 5, out);
        assertArrayEquals(
            rounded(type, expected.toFloats(), 5 * columns, (rows - 5) * columns),
            read(devices.gpu(), out),
            "bytes as " + type);
      }
    }
  }

  /**
   * Both factors are rounded by u, the products not at all, and each addition errs by U of the sum
   * of magnitudes; tensor cores may cut where float32 rounds, which is twice as much. The scales
   * come in twice U: they multiply the sum, and are rounded with it.
   */
  static void productsAgree(GpuBesideHost devices, Shape shape, Factors factors) {
    double u =
        switch (factors) {
          case FLOAT32 -> 0;
          case BFLOAT16 -> 0x1p-8;
          case FLOAT16 -> 0x1p-11;
        };
    try (Memory here = new Memory(devices.host());
        Memory there = new Memory(devices.gpu())) {
      float[] w = values(shape, here);
      CudaFourBit weight = new CudaFourBit(devices.cuda(), weight(shape, there));
      for (float beta : new float[] {0f, 0.5f}) {
        Product transposed = new Product(shape, w, true, beta, u);
        Tensor y = transposed.target(there);
        weight.timesTransposed(2f, transposed.given(there), beta, y, factors);
        transposed.verify(y.toFloats(), shape + " transposed " + factors);
        Product plain = new Product(shape, w, false, beta, u);
        Tensor x = plain.target(there);
        weight.times(2f, plain.given(there), beta, x, factors);
        plain.verify(x.toFloats(), shape + " " + factors);
      }
    }
  }

  /** 2·x·op(W) + beta·y in double. */
  private record Product(
      Shape shape,
      @SuppressWarnings("ArrayRecordComponent") float[] w,
      boolean transposed,
      float beta,
      double u) {

    private int depth() {
      return transposed ? shape.columns : shape.rows;
    }

    private int width() {
      return transposed ? shape.rows : shape.columns;
    }

    Tensor given(Memory memory) {
      return memory.floats(numbers("x", shape.height * depth()), shape.height, depth());
    }

    /** What a product with β = 0 must not read is no number. */
    Tensor target(Memory memory) {
      return beta == 0
          ? memory.garbage(shape.height, width())
          : memory.floats(before(), shape.height, width());
    }

    private float[] before() {
      return numbers("y", shape.height * width());
    }

    void verify(float[] actual, String what) {
      float[] x = numbers("x", shape.height * depth());
      float[] y = before();
      float[] expected = new float[actual.length];
      double[] sizes = new double[actual.length];
      for (int i = 0; i < expected.length; i++) {
        double sum = 0;
        for (int k = 0; k < depth(); k++) {
          int column = i % width();
          float weight = w[transposed ? column * shape.columns + k : k * shape.columns + column];
          double term = (double) x[i / width() * depth() + k] * weight;
          sum += term;
          sizes[i] += Math.abs(term);
        }
        expected[i] = (float) (2 * sum + beta * y[i]);
      }
      assertWithin(
          expected,
          actual,
          i ->
              2 * (2 * u + u * u + 2 * (depth() + 4) * U) * sizes[i]
                  + 2 * U * Math.abs(beta * y[i]),
          what);
    }
  }
}
