package dev.lorikeet.kernel;

import static dev.lorikeet.fixture.Rounding.U;
import static dev.lorikeet.fixture.Rounding.assertWithin;
import static dev.lorikeet.fixture.Tensors.numbers;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.format.Floats;
import dev.lorikeet.kernel.CudaCase.Memory;
import dev.lorikeet.kernel.CudaWeightCases.Shape;
import dev.lorikeet.kernel.DeviceMatrix.Place;
import dev.lorikeet.kernel.MagnitudeKernels.Batch;
import dev.lorikeet.kernel.MagnitudeKernels.Decomposed;
import dev.lorikeet.kernel.MagnitudeKernels.Sums;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * {@link CudaMagnitudes} over every form of a weight, against plain sums in double. Both sum in
 * double and round once, so results are a unit in the last place apart at most.
 */
final class CudaMagnitudeCases {
  private static final float SCALE = 1.5f;
  private static final int TOKENS = 9;

  private CudaMagnitudeCases() {}

  /** How W is held. */
  enum Form {
    FLOAT32,
    BFLOAT16,
    FLOAT16,
    INT8,
    PLAIN_4BIT,
    NESTED_4BIT
  }

  /** A map. */
  record Map(Form form, int rows, int columns, int rank) {}

  static List<Map> maps() {
    List<Map> maps = new ArrayList<>();
    for (Form form : Form.values()) {
      maps.add(new Map(form, 1, 1, 1));
      maps.add(new Map(form, 13, 40, 3));
      maps.add(new Map(form, 70, 264, 8));
      maps.add(new Map(form, 65, 207, 17));
    }
    return maps;
  }

  /** W and its numbers. */
  private record Held(DeviceMatrix matrix, @SuppressWarnings("ArrayRecordComponent") float[] w) {}

  private static Held held(GpuBesideHost devices, Memory there, Memory here, Map map) {
    Place place = new Place(devices.gpu(), Optional.of(devices.cuda()));
    int count = map.rows * map.columns;
    return switch (map.form) {
      case FLOAT32 -> {
        float[] w = cancelling(map);
        yield new Held(new DenseMatrix(place, there.floats(w, map.rows, map.columns)), w);
      }
      case BFLOAT16 -> half(place, there, DType.BFLOAT16, map);
      case FLOAT16 -> half(place, there, DType.FLOAT16, map);
      case INT8 -> bytes(place, there, map, count);
      case PLAIN_4BIT -> fourBit(place, there, here, map, Shape.Scales.PLAIN);
      case NESTED_4BIT -> fourBit(place, there, here, map, Shape.Scales.NESTED);
    };
  }

  /** Every third row is −s·BA but for a hundredth of noise. */
  private static float[] cancelling(Map map) {
    float[] w = numbers("w", map.rows * map.columns);
    for (int i = 0; i < map.rows; i += 3) {
      for (int j = 0; j < map.columns; j++) {
        int at = i * map.columns + j;
        w[at] = (float) (0.01 * w[at] - update(map, i, j));
      }
    }
    return w;
  }

  private static Held half(Place place, Memory there, DType type, Map map) {
    float[] numbers = numbers("w", map.rows * map.columns);
    Tensor tensor = there.half(type, numbers, map.rows, map.columns);
    float[] w = new float[numbers.length];
    for (int i = 0; i < w.length; i++) {
      w[i] =
          type == DType.BFLOAT16
              ? Floats.fromBf16(Floats.toBf16(numbers[i]))
              : Floats.fromF16(Floats.toF16(numbers[i]));
    }
    return new Held(new DenseMatrix(place, tensor), w);
  }

  private static Held bytes(Place place, Memory there, Map map, int count) {
    byte[] codes = CudaCase.randomBytes("codes", count);
    float[] scales = numbers("scales", map.rows);
    float[] w = new float[count];
    for (int i = 0; i < count; i++) {
      w[i] = codes[i] * scales[i / map.columns] * Int8Kernel.PART;
    }
    return new Held(
        new ByteMatrix(
            place, there.bytes(DType.INT8, codes, count), there.floats(scales, map.rows)),
        w);
  }

  private static Held fourBit(
      Place place, Memory there, Memory here, Map map, Shape.Scales scales) {
    Shape shape = new Shape(map.rows, map.columns, 64, scales, 1);
    return new Held(
        new FourBitMatrix(place, CudaWeightCases.weight(shape, there)),
        CudaWeightCases.values(shape, here));
  }

  private static double update(Map map, int row, int column) {
    float[] a = numbers("a", map.rank * map.columns);
    float[] b = numbers("b", map.rows * map.rank);
    double sum = 0;
    for (int k = 0; k < map.rank; k++) {
      sum += (double) b[row * map.rank + k] * a[k * map.columns + column];
    }
    return SCALE * sum;
  }

  private static float[] norms(Map map, float[] w) {
    float[] norms = new float[map.rows];
    for (int i = 0; i < map.rows; i++) {
      double sum = 0;
      for (int j = 0; j < map.columns; j++) {
        double entry = w[i * map.columns + j] + update(map, i, j);
        sum += entry * entry;
      }
      norms[i] = (float) Math.sqrt(sum);
    }
    return norms;
  }

  private static Decomposed decomposed(Held held, Memory there, Map map) {
    return new Decomposed(
        held.matrix,
        there.floats(numbers("a", map.rank * map.columns), map.rank, map.columns),
        there.floats(numbers("b", map.rows * map.rank), map.rows, map.rank),
        SCALE);
  }

  /** Norms by products, marks of the rows that cancel, and the norms of marked rows. */
  static void normsAgree(GpuBesideHost devices, Map map) {
    try (Memory there = new Memory(devices.gpu());
        Memory here = new Memory(devices.host())) {
      Held held = held(devices, there, here, map);
      Decomposed decomposed = decomposed(held, there, map);
      CudaMagnitudes kernels = new CudaMagnitudes(devices.cuda());
      float[] exact = norms(map, held.w);
      Tensor norms = there.garbage(map.rows);
      float[] squares = squares(map, held.w);
      float[] cross = cross(map, held.w);
      float[] own = own(map);
      kernels.marked(
          decomposed,
          there.floats(squares, map.rows),
          there.floats(cross, map.rank, map.rows),
          there.floats(own, map.rows, map.rank),
          norms);
      float[] marked = marked(map, squares, cross, own);
      if (map.form == Form.FLOAT32 && map.rows > 1) {
        assertEquals(-1f, marked[3], "the row cancels");
      }
      assertWithin(marked, norms.toFloats(), i -> U * Math.abs(marked[i]), map + ": marked");
      float[] present = norms.toFloats();
      for (int i = 0; i < map.rows; i += 2) {
        present[i] = -1f;
      }
      Tensor rest = there.floats(present, map.rows);
      kernels.addUpMarked(decomposed, rest);
      for (int i = 0; i < map.rows; i++) {
        present[i] = present[i] == -1f ? exact[i] : present[i];
      }
      assertWithin(present, rest.toFloats(), i -> U * present[i], map + ": added up");
    }
  }

  private static float[] squares(Map map, float[] w) {
    float[] squares = new float[map.rows];
    for (int i = 0; i < map.rows; i++) {
      double sum = 0;
      for (int j = 0; j < map.columns; j++) {
        sum += (double) w[i * map.columns + j] * w[i * map.columns + j];
      }
      squares[i] = (float) sum;
    }
    return squares;
  }

  /** A·Wᵀ. */
  private static float[] cross(Map map, float[] w) {
    float[] a = numbers("a", map.rank * map.columns);
    float[] cross = new float[map.rank * map.rows];
    for (int k = 0; k < map.rank; k++) {
      for (int i = 0; i < map.rows; i++) {
        double sum = 0;
        for (int j = 0; j < map.columns; j++) {
          sum += (double) a[k * map.columns + j] * w[i * map.columns + j];
        }
        cross[k * map.rows + i] = (float) sum;
      }
    }
    return cross;
  }

  /** B·A·Aᵀ. */
  private static float[] own(Map map) {
    float[] a = numbers("a", map.rank * map.columns);
    float[] own = new float[map.rows * map.rank];
    for (int i = 0; i < map.rows; i++) {
      for (int j = 0; j < map.columns; j++) {
        double entry = update(map, i, j) / SCALE;
        for (int k = 0; k < map.rank; k++) {
          own[i * map.rank + k] += (float) (entry * a[k * map.columns + j]);
        }
      }
    }
    return own;
  }

  private static float[] marked(Map map, float[] squares, float[] cross, float[] own) {
    float[] b = numbers("b", map.rows * map.rank);
    float[] norms = new float[map.rows];
    for (int i = 0; i < map.rows; i++) {
      double mixed = 0;
      double size = 0;
      double update = 0;
      for (int k = 0; k < map.rank; k++) {
        double product = (double) b[i * map.rank + k] * cross[k * map.rows + i];
        mixed += product;
        size += Math.abs(product);
        update += (double) b[i * map.rank + k] * own[i * map.rank + k];
      }
      double outer = squares[i] + (double) SCALE * SCALE * update;
      double radicand = outer + 2.0 * SCALE * mixed;
      norms[i] = radicand < (outer + 2.0 * SCALE * size) / 16 ? -1f : (float) Math.sqrt(radicand);
    }
    return norms;
  }

  /** Squares of rows in float32, which is what W becomes for it. */
  static void squaresAgree(GpuBesideHost devices) {
    for (int[] shape : new int[][] {{1, 1}, {3, 7}, {5, 576}, {2, 9001}}) {
      try (Memory there = new Memory(devices.gpu())) {
        float[] w = numbers("w", shape[0] * shape[1]);
        float[] expected = squares(new Map(Form.FLOAT32, shape[0], shape[1], 1), w);
        Tensor squares = there.garbage(shape[0]);
        new CudaMagnitudes(devices.cuda()).squaresOf(there.floats(w, shape[0], shape[1]), squares);
        assertWithin(expected, squares.toFloats(), i -> U * expected[i], "squares");
      }
    }
  }

  /** What is done with vectors is the same bits as in Java. */
  static void vectorsAgree(GpuBesideHost devices) {
    int rows = 301;
    float[] m = numbers("m", rows);
    float[] norms = numbers("norms", rows);
    float[] bias = numbers("bias", rows);
    float[] sums = numbers("sums", rows);
    for (int i = 0; i < rows; i++) {
      norms[i] = i % 7 == 0 ? 0 : Math.abs(norms[i]);
      m[i] *= i % 5 == 0 ? 1e-3f : 1;
      bias[i] *= i % 3 == 0 ? 0 : 1;
    }
    float[][] expected = new float[6][rows];
    for (int i = 0; i < rows; i++) {
      float c = norms[i] > 0 ? m[i] / norms[i] : 1f;
      expected[0][i] = c;
      expected[1][i] = (1f - c) * bias[i] == 0 ? -0f : (1f - c) * bias[i];
      expected[2][i] = c - 1f;
      expected[3][i] = (0f - (c - 1f)) * bias[i] == 0 ? -0f : (0f - (c - 1f)) * bias[i];
      boolean strong = norms[i] > 0 && Math.abs(c) >= MagnitudeKernels.SMALLEST_FACTOR;
      expected[4][i] = m[i] + (strong ? sums[i] / (c * norms[i]) : 0f);
      expected[5][i] = m[i] + (norms[i] > 0 ? sums[i] / norms[i] : 0f);
    }
    CudaMagnitudes kernels = new CudaMagnitudes(devices.cuda());
    try (Memory there = new Memory(devices.gpu())) {
      Tensor n = there.floats(norms, rows);
      Tensor b = there.floats(bias, rows);
      Tensor[] found = new Tensor[6];
      for (int i = 0; i < 4; i++) {
        found[i] = there.garbage(rows);
      }
      found[4] = there.floats(m, rows);
      found[5] = there.floats(m, rows);
      Tensor s = there.floats(sums, rows);
      kernels.factors(there.floats(m, rows), n, b, found[0], found[1]);
      kernels.lessOne(found[0], b, found[2], found[3]);
      kernels.addGradient(Sums.OF_OUTPUT, s, found[0], n, found[4]);
      kernels.addGradient(Sums.OF_INNER, s, found[0], n, found[5]);
      for (int i = 0; i < found.length; i++) {
        assertArrayEquals(expected[i], found[i].toFloats(), "vector " + i);
      }
    }
  }

  /** Every second row is weak, and of these every second has no norm. */
  static void weakRowsAgree(GpuBesideHost devices, Map map) {
    try (Memory there = new Memory(devices.gpu());
        Memory here = new Memory(devices.host())) {
      Held held = held(devices, there, here, map);
      float[] factor = new float[map.rows];
      float[] norms = norms(map, held.w);
      for (int i = 0; i < map.rows; i++) {
        factor[i] = i % 2 == 0 ? -1e-3f : 0.5f;
        norms[i] = i % 4 == 2 ? 0 : norms[i] + 0.1f;
      }
      float[] x = numbers("x", TOKENS * map.columns);
      float[] u = numbers("u", TOKENS * map.rank);
      float[] dy = numbers("dy", TOKENS * map.rows);
      float[] before = numbers("before", map.rows);
      Tensor gradient = there.floats(before, map.rows);
      new CudaMagnitudes(devices.cuda())
          .addGradientOfWeakRows(
              decomposed(held, there, map),
              there.floats(factor, map.rows),
              there.floats(norms, map.rows),
              new Batch(
                  there.floats(x, TOKENS, map.columns),
                  there.floats(u, TOKENS, map.rank),
                  there.floats(dy, TOKENS, map.rows)),
              gradient);
      float[] expected = before.clone();
      double[] added = new double[map.rows];
      for (int i = 0; i < map.rows; i++) {
        if (norms[i] > 0 && factor[i] < 0.01) {
          added[i] = weakGradient(map, held.w, x, u, dy, i) / norms[i];
          expected[i] += (float) added[i];
        }
      }
      assertTrue(added[0] != 0);
      assertWithin(
          expected,
          gradient.toFloats(),
          i -> 2 * U * (Math.abs(before[i]) + Math.abs(added[i])),
          map + ": weak rows");
    }
  }

  private static double weakGradient(
      Map map, float[] w, float[] x, float[] u, float[] dy, int row) {
    float[] b = numbers("b", map.rows * map.rank);
    double sum = 0;
    for (int t = 0; t < TOKENS; t++) {
      double z = 0;
      for (int j = 0; j < map.columns; j++) {
        z += (double) w[row * map.columns + j] * x[t * map.columns + j];
      }
      for (int k = 0; k < map.rank; k++) {
        z += (double) SCALE * b[row * map.rank + k] * u[t * map.rank + k];
      }
      sum += dy[t * map.rows + row] * z;
    }
    return sum;
  }
}
