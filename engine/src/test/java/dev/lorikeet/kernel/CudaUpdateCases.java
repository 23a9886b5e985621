package dev.lorikeet.kernel;

import static dev.lorikeet.fixture.Rounding.U;
import static dev.lorikeet.fixture.Tensors.numbers;

import dev.lorikeet.kernel.SgdStep.Direction;
import dev.lorikeet.torch.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntToDoubleFunction;

/** Cases of {@link CudaUpdates}, against the plain loops in double. */
final class CudaUpdateCases {
  private static final double RATE = 0.03;
  private static final double DECAY = 0.2;

  /** A sum of squares is a double; u has three operations, rms(u) and the move ten more. */
  private static final double ADAFACTOR_ROUNDINGS = 20;

  private CudaUpdateCases() {}

  static List<CudaCase> all() {
    List<CudaCase> cases = new ArrayList<>();
    for (int length : new int[] {1, 7, 255, 256, 257, 4097, 20_001}) {
      cases.add(adamW(length));
      cases.add(sgd(length));
      cases.add(momentum(length, Direction.MOMENTUM));
      cases.add(momentum(length, Direction.NESTEROV));
      cases.add(lion(length));
      cases.add(adafactor(length));
    }
    for (int[] shape : new int[][] {{1, 1}, {1, 13}, {13, 1}, {7, 257}, {70, 33}, {3, 9000}}) {
      cases.add(adafactor(shape[0], shape[1]));
    }
    return cases;
  }

  private static float[] squared(String seed, int count) {
    float[] values = numbers(seed, count);
    for (int i = 0; i < count; i++) {
      values[i] *= values[i];
    }
    return values;
  }

  private static CudaCase adamW(int length) {
    float[] p = numbers("p", length);
    float[] g = numbers("g", length);
    float[] m = numbers("m", length);
    float[] v = squared("v", length);
    AdamWStep step = new AdamWStep(RATE, 0.9, 0.999, 1e-8, DECAY, 3);
    return new CudaCase(
        "adamW " + length,
        (kernels, memory) -> {
          Tensor parameter = memory.floats(p, length);
          Tensor mean = memory.floats(m, length);
          Tensor square = memory.floats(v, length);
          kernels.updates().adamW(parameter, memory.floats(g, length), mean, square, step);
          return List.of(parameter.toFloats(), mean.toFloats(), square.toFloats());
        },
        expected -> {
          IntToDoubleFunction mean = i -> 0.9 * Math.abs(m[i]) + 0.1 * Math.abs(g[i]);
          // β as float32 errs by U of β; 1 − β₂ is 0.001, whose float32 errs by U of itself.
          return List.of(
              i -> {
                double root = Math.sqrt(expected.get(2)[i] / (1 - Math.pow(0.999, 3)));
                double moved = RATE / (1 - Math.pow(0.9, 3)) * mean.applyAsDouble(i) / root;
                return 4 * U * Math.abs(p[i]) + 16 * U * moved;
              },
              i -> 4 * U * mean.applyAsDouble(i),
              i -> 5 * U * expected.get(2)[i]);
        });
  }

  private static CudaCase sgd(int length) {
    float[] p = numbers("p", length);
    float[] g = numbers("g", length);
    SgdStep step = new SgdStep(RATE, 0, Direction.MOMENTUM, DECAY);
    return new CudaCase(
        "sgd " + length,
        (kernels, memory) -> {
          Tensor parameter = memory.floats(p, length);
          kernels.updates().sgd(parameter, memory.floats(g, length), step);
          return List.of(parameter.toFloats());
        },
        _ ->
            List.of(
                i -> 5 * U * (Math.abs(p[i]) + RATE * (Math.abs(g[i]) + DECAY * Math.abs(p[i])))));
  }

  private static CudaCase momentum(int length, Direction direction) {
    float[] p = numbers("p", length);
    float[] g = numbers("g", length);
    float[] b = numbers("b", length);
    SgdStep step = new SgdStep(RATE, 0.9, direction, DECAY);
    return new CudaCase(
        "sgd " + direction + " " + length,
        (kernels, memory) -> {
          Tensor parameter = memory.floats(p, length);
          Tensor buffer = memory.floats(b, length);
          kernels.updates().sgd(parameter, memory.floats(g, length), buffer, step);
          return List.of(parameter.toFloats(), buffer.toFloats());
        },
        _ -> {
          IntToDoubleFunction size =
              i -> Math.abs(g[i]) + DECAY * Math.abs(p[i]) + 0.9 * Math.abs(b[i]);
          return List.of(
              i -> 8 * U * (Math.abs(p[i]) + 2 * RATE * size.applyAsDouble(i)),
              i -> 5 * U * size.applyAsDouble(i));
        });
  }

  private static CudaCase lion(int length) {
    float[] p = numbers("p", length);
    float[] g = numbers("g", length);
    float[] m = numbers("m", length);
    g[0] = 0;
    m[0] = 0;
    LionStep step = new LionStep(RATE, 0.9, 0.99, DECAY);
    return new CudaCase(
        "lion " + length,
        (kernels, memory) -> {
          Tensor parameter = memory.floats(p, length);
          Tensor mean = memory.floats(m, length);
          kernels.updates().lion(parameter, memory.floats(g, length), mean, step);
          return List.of(parameter.toFloats(), mean.toFloats());
        },
        _ ->
            List.of(
                i -> {
                  double parts = 0.9 * Math.abs(m[i]) + 0.1 * Math.abs(g[i]);
                  boolean unsure = parts > 0 && Math.abs(0.9 * m[i] + 0.1 * g[i]) <= 4 * U * parts;
                  return (unsure ? 2 * RATE : 0) + 4 * U * (Math.abs(p[i]) + RATE);
                },
                i -> 4 * U * (Math.abs(m[i]) + 0.01 * Math.abs(g[i]))));
  }

  private static CudaCase adafactor(int length) {
    float[] p = numbers("p", length);
    float[] g = numbers("g", length);
    float[] v = squared("v", length);
    AdafactorStep step = new AdafactorStep(RATE, DECAY, 3);
    return new CudaCase(
        "adafactor " + length,
        (kernels, memory) -> {
          Tensor parameter = memory.floats(p, length);
          Tensor square = memory.floats(v, length);
          kernels.updates().adafactor(parameter, memory.floats(g, length), square, step);
          return List.of(parameter.toFloats(), square.toFloats());
        },
        expected ->
            List.of(
                i -> {
                  double u = Math.abs(g[i]) / Math.sqrt(expected.get(1)[i]);
                  return 4 * U * Math.abs(p[i]) + ADAFACTOR_ROUNDINGS * U * RATE * u;
                },
                i -> 2 * U * expected.get(1)[i]));
  }

  private static CudaCase adafactor(int rows, int columns) {
    float[] p = numbers("p", rows * columns);
    float[] g = numbers("g", rows * columns);
    float[] r = squared("r", rows);
    float[] c = squared("c", columns);
    AdafactorStep step = new AdafactorStep(RATE, DECAY, 3);
    return new CudaCase(
        "adafactor " + rows + "x" + columns,
        (kernels, memory) -> {
          Tensor parameter = memory.floats(p, rows, columns);
          Tensor ofRows = memory.floats(r, rows);
          Tensor ofColumns = memory.floats(c, columns);
          kernels
              .updates()
              .adafactor(parameter, memory.floats(g, rows, columns), ofRows, ofColumns, step);
          return List.of(parameter.toFloats(), ofRows.toFloats(), ofColumns.toFloats());
        },
        expected -> {
          float[] rowSquares = expected.get(1);
          double mean = 0;
          for (float square : rowSquares) {
            mean += (double) square / rows;
          }
          double meanRow = mean;
          return List.of(
              i -> {
                double square = rowSquares[i / columns] / meanRow * expected.get(2)[i % columns];
                double u = Math.abs(g[i]) / Math.sqrt(square);
                return 4 * U * Math.abs(p[i]) + ADAFACTOR_ROUNDINGS * U * RATE * u;
              },
              i -> 2 * U * rowSquares[i],
              i -> 2 * U * expected.get(2)[i]);
        });
  }
}
