package dev.lorikeet.kernel;

import static dev.lorikeet.fixture.Rounding.EXP;
import static dev.lorikeet.fixture.Rounding.U;
import static dev.lorikeet.fixture.Tensors.numbers;

import dev.lorikeet.kernel.Kernels.Into;
import dev.lorikeet.kernel.Kernels.Rotation;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntToDoubleFunction;

/** Cases of {@link CudaKernels}: one row, widths that no block divides, a real vocabulary. */
final class CudaCases {
  private static final int[][] SHAPES = {
    {1, 1}, {7, 1}, {1, 7}, {7, 13}, {3, 207}, {5, 576}, {70, 33}, {2, 9001}
  };
  private static final double EPS = 1e-5;

  private CudaCases() {}

  static List<CudaCase> all() {
    List<CudaCase> cases = new ArrayList<>();
    for (int[] shape : SHAPES) {
      int rows = shape[0];
      int width = shape[1];
      cases.add(norm(rows, width, Into.REPLACE));
      cases.add(norm(rows, width, Into.ADD));
      cases.add(gate(rows, width));
      cases.add(gatherAndScatter(rows, width));
      cases.add(columns(rows, width));
      cases.add(elements(rows, width));
      cases.add(dropout(rows, width, Into.REPLACE));
      cases.add(dropout(rows, width, Into.ADD));
      cases.add(crossEntropy(rows, width));
      cases.add(largest(rows, width));
    }
    cases.add(crossEntropy(2, 151_936));
    cases.add(norm(300, 576, Into.REPLACE));
    cases.add(gatherAndScatter(600, 40));
    for (int[] shape : new int[][] {{1, 1, 2}, {5, 3, 10}, {7, 9, 64}, {3, 1, 80}}) {
      for (Rotation rotation : Rotation.values()) {
        cases.add(rope(shape[0], shape[1], shape[2], rotation));
      }
    }
    return cases;
  }

  /** Additions of a block's sum: those of a thread, two times five between lanes. */
  private static double sumRoundings(int count) {
    return Math.ceil(count / 256.0) + 11;
  }

  /**
   * r errs by half of the relative error of its sum and three more roundings: c·U. y = x·r·w adds
   * two. dx adds dy·w·r and x·r³·mean: the mean has two roundings a term beside its additions.
   */
  private static CudaCase norm(int rows, int width, Into into) {
    float[] x = numbers("x", rows * width);
    float[] w = numbers("w", width);
    float[] dy = numbers("dy", rows * width);
    float[] before = numbers("before", rows * width);
    double c = sumRoundings(width) / 2 + 3;
    return new CudaCase(
        "rmsNorm " + rows + "x" + width + " " + into,
        (kernels, memory) -> {
          Tensor xs = memory.floats(x, rows, width);
          Tensor ws = memory.floats(w, width);
          Tensor dys = memory.floats(dy, rows, width);
          Tensor y = memory.garbage(rows, width);
          Tensor rstd = memory.garbage(rows);
          Tensor dx =
              into == Into.ADD ? memory.floats(before, rows, width) : memory.garbage(rows, width);
          Tensor dw = memory.floats(numbers("dw", width), width);
          kernels.rmsNorm(xs, ws, EPS, y, rstd);
          kernels.rmsNormBackward(dys, xs, ws, rstd, dx, into);
          kernels.rmsNormWeightGradient(dys, xs, rstd, dw);
          return List.of(y.toFloats(), rstd.toFloats(), dx.toFloats(), dw.toFloats());
        },
        expected -> {
          float[] rstd = expected.get(1);
          double[] means = new double[rows];
          for (int i = 0; i < x.length; i++) {
            means[i / width] += Math.abs((double) w[i % width] * dy[i] * x[i]) / width;
          }
          IntToDoubleFunction dx =
              i -> {
                double r = rstd[i / width];
                double sizes =
                    Math.abs(dy[i] * w[i % width]) * r
                        + Math.abs(x[i]) * r * r * r * means[i / width];
                double added = into == Into.ADD ? Math.abs(before[i]) : 0;
                return (sumRoundings(width) + 3 * c + 8) * U * sizes + 2 * U * (sizes + added);
              };
          double[] sums = new double[width];
          for (int i = 0; i < x.length; i++) {
            sums[i % width] += Math.abs((double) x[i] * dy[i] * rstd[i / width]);
          }
          return List.of(
              i -> (c + 2) * U * Math.abs(expected.get(0)[i]),
              i -> c * U * rstd[i],
              dx,
              i -> (rows / 16.0 + 20 + c) * U * (sums[i] + Math.abs(expected.get(3)[i])));
        });
  }

  private static CudaCase rope(int rows, int heads, int dim, Rotation rotation) {
    float[] x = numbers("x", rows * heads * dim);
    int half = dim / 2;
    float[] angles = numbers("angles", 11 * half);
    float[] cos = new float[angles.length];
    float[] sin = new float[angles.length];
    for (int i = 0; i < angles.length; i++) {
      cos[i] = (float) Math.cos(angles[i]);
      sin[i] = (float) Math.sin(angles[i]);
    }
    return new CudaCase(
        "rope " + rows + "x" + heads + "x" + dim + " " + rotation,
        (kernels, memory) -> {
          Tensor xs = memory.floats(x, rows, (long) heads * dim);
          kernels.rope(
              xs,
              2 * half,
              memory.floats(cos, 11, half),
              memory.floats(sin, 11, half),
              memory.ints(CudaCase.ids("positions", rows, 11)),
              rotation);
          return List.of(xs.toFloats());
        },
        _ ->
            List.of(i -> {
              int partner = i % dim < half ? i + half : i - half;
              return 4 * U * (Math.abs(x[i]) + Math.abs(x[partner]));
            }));
  }

  /** σ = 1/(1 + e^−g) errs by that of the exponential and two roundings; three more products. */
  private static CudaCase gate(int rows, int width) {
    int count = rows * width;
    float[] g = numbers("g", count);
    float[] u = numbers("u", count);
    float[] d = numbers("d", count);
    return new CudaCase(
        "swiglu " + rows + "x" + width,
        (kernels, memory) -> {
          Tensor gate = memory.floats(g, rows, width);
          Tensor up = memory.floats(u, rows, width);
          Tensor out = memory.garbage(rows, width);
          kernels.swiglu(gate, up, out);
          kernels.swigluBackward(memory.floats(d, rows, width), gate, up, gate, up);
          return List.of(out.toFloats(), gate.toFloats(), up.toFloats());
        },
        expected ->
            List.of(
                i -> (EXP + 4 * U) * Math.abs(expected.get(0)[i]),
                i -> {
                  double s = 1 / (1 + Math.exp(-g[i]));
                  double terms = s + 2 * Math.abs(g[i]) * s;
                  return (2 * EXP + 10 * U) * Math.abs((double) d[i] * u[i]) * terms;
                },
                i -> (EXP + 4 * U) * Math.abs(expected.get(2)[i])));
  }

  private static CudaCase gatherAndScatter(int rows, int width) {
    int tableRows = 5;
    float[] table = numbers("table", tableRows * width);
    float[] added = numbers("added", rows * width);
    int[] ids = CudaCase.ids("ids", rows, tableRows);
    return new CudaCase(
        "gather and scatter " + rows + "x" + width,
        (kernels, memory) -> {
          List<float[]> results = new ArrayList<>();
          Tensor idTensor = memory.ints(ids);
          Tensor floats = memory.floats(table, tableRows, width);
          for (DType type : List.of(DType.FLOAT32, DType.BFLOAT16, DType.FLOAT16)) {
            Tensor from = type.isHalf() ? memory.half(type, table, tableRows, width) : floats;
            Tensor out = memory.garbage(rows, width);
            kernels.gatherRows(from, idTensor, out);
            results.add(out.toFloats());
          }
          kernels.scatterAddRows(memory.floats(added, rows, width), idTensor, floats);
          results.add(floats.toFloats());
          return results;
        },
        _ -> {
          double[] sizes = new double[table.length];
          for (int i = 0; i < table.length; i++) {
            sizes[i] = Math.abs(table[i]);
          }
          for (int i = 0; i < added.length; i++) {
            sizes[ids[i / width] * width + i % width] += Math.abs(added[i]);
          }
          return List.of(i -> 0, i -> 0, i -> 0, i -> rows * U * sizes[i]);
        });
  }

  private static CudaCase columns(int rows, int width) {
    float[] x = numbers("x", rows * width);
    float[] y = numbers("y", rows * width);
    float[] row = numbers("row", width);
    float[] factor = numbers("factor", width);
    float[] sums = numbers("sums", width);
    return new CudaCase(
        "columns " + rows + "x" + width,
        (kernels, memory) -> {
          Tensor target = memory.floats(x, rows, width);
          Tensor rowTensor = memory.floats(row, width);
          Tensor factorTensor = memory.floats(factor, width);
          Tensor summed = memory.floats(sums, width);
          Tensor dy = memory.floats(x, rows, width);
          Tensor inner = memory.floats(sums, width);
          kernels.addSumOfRows(target, summed);
          kernels.scaleColumnsBackward(
              memory.floats(y, rows, width), rowTensor, factorTensor, dy, inner);
          Tensor scaled = memory.floats(x, rows, width);
          kernels.scaleColumns(factorTensor, rowTensor, scaled);
          kernels.addRow(rowTensor, target);
          return List.of(
              summed.toFloats(),
              inner.toFloats(),
              dy.toFloats(),
              scaled.toFloats(),
              target.toFloats());
        },
        expected -> {
          double[] sizes = new double[width];
          double[] products = new double[width];
          for (int i = 0; i < x.length; i++) {
            sizes[i % width] += Math.abs(x[i]);
            products[i % width] += Math.abs(x[i]) * (Math.abs(y[i]) + Math.abs(row[i % width]));
          }
          double additions = Math.ceil(rows / 16.0) + 17;
          return List.of(
              i -> additions * U * (sizes[i] + Math.abs(sums[i])),
              i -> (additions + 2) * U * (products[i] + Math.abs(sums[i])),
              i -> U * Math.abs(expected.get(2)[i]),
              i -> U * Math.abs(expected.get(3)[i]),
              i -> U * Math.abs(expected.get(4)[i]));
        });
  }

  private static CudaCase elements(int rows, int width) {
    float[] x = numbers("x", rows * width);
    float[] target = numbers("target", rows * width);
    return new CudaCase(
        "elements " + rows + "x" + width,
        (kernels, memory) -> {
          Tensor xs = memory.floats(x, rows, width);
          Tensor sum = memory.floats(target, rows, width);
          kernels.add(xs, sum);
          double squares = kernels.sumOfSquares(sum);
          double halves =
              squares(kernels, memory.half(DType.BFLOAT16, x, rows, width))
                  + squares(kernels, memory.half(DType.FLOAT16, x, rows, width));
          kernels.scale(xs, 0.3f);
          return List.of(
              sum.toFloats(), xs.toFloats(), new float[] {(float) squares, (float) halves});
        },
        expected ->
            List.of(
                i -> U * Math.abs(expected.get(0)[i]),
                // 0.3f itself is no double 0.3, but it is the double that the reference multiplies
                // by.
                i -> U * Math.abs(expected.get(1)[i]),
                // Each of the numbers squared was rounded once: two roundings of the square.
                i -> 3 * U * expected.get(2)[i]));
  }

  /** The reference reads float32 only. */
  private static double squares(Kernels kernels, Tensor half) {
    if (kernels instanceof CudaKernels) {
      return kernels.sumOfSquares(half);
    }
    try (Tensor floats = half.asFloats()) {
      return kernels.sumOfSquares(floats);
    }
  }

  private static CudaCase dropout(int rows, int width, Into into) {
    float[] x = numbers("x", rows * width);
    float[] before = numbers("before", rows * width);
    int[] keys = CudaCase.ids("keys", rows, Integer.MAX_VALUE);
    for (int t = 0; t < rows; t += 2) {
      keys[t] = -keys[t];
    }
    return new CudaCase(
        "dropout " + rows + "x" + width + " " + into,
        (kernels, memory) -> {
          Tensor out =
              into == Into.ADD ? memory.floats(before, rows, width) : memory.garbage(rows, width);
          DropoutMask mask = new DropoutMask(0.3, memory.ints(keys));
          kernels.dropout(memory.floats(x, rows, width), mask, out, into);
          return List.of(out.toFloats());
        },
        _ ->
            List.of(i -> {
              boolean kept =
                  Integer.compareUnsigned(
                          DropoutMask.hash(keys[i / width], i % width),
                          (int) (long) Math.floor(0.3 * 0x1p32))
                      >= 0;
              return (kept ? 4 * U * Math.abs(x[i]) : 0)
                  + (into == Into.ADD ? 2 * U * Math.abs(before[i]) : 0);
            }));
  }

  /**
   * A term of the sum is e^(x − m) of a rounded difference, times as many corrections as the
   * maximum grew: at most one for each of the thread's elements and ten joins, and mostly none; the
   * bound takes log₂ of the elements. Differences up to 2·|x| err by U times themselves.
   */
  private static CudaCase crossEntropy(int rows, int width) {
    float[] logits = numbers("logits", rows * width);
    double largest = 0;
    for (int i = 0; i < logits.length; i++) {
      logits[i] *= 5;
      largest = Math.max(largest, Math.abs(logits[i]));
    }
    int[] labels = CudaCase.ids("labels", rows, width);
    double corrections = 10 + 2 * Math.log(width + 1.0);
    double sum =
        (EXP + 2 * largest * U) * (1 + corrections) + (sumRoundings(width) + corrections) * U;
    double size = largest;
    return new CudaCase(
        "cross-entropy " + rows + "x" + width,
        (kernels, memory) -> {
          Tensor given = memory.floats(logits, rows, width);
          Tensor labelTensor = memory.ints(labels);
          Tensor plain = memory.garbage(rows);
          Tensor losses = memory.garbage(rows);
          kernels.crossEntropy(given, labelTensor, plain);
          kernels.crossEntropyWithGradient(given, labelTensor, losses, 0.125f);
          return List.of(plain.toFloats(), losses.toFloats(), given.toFloats());
        },
        expected ->
            List.of(
                i -> sum + 2 * U * Math.abs(expected.get(0)[i]),
                i -> sum + 2 * U * Math.abs(expected.get(1)[i]),
                i -> {
                  boolean label = labels[i / width] == i % width;
                  double probability = expected.get(2)[i] / 0.125 + (label ? 1 : 0);
                  double relative = sum + EXP + 2 * size * U + 4 * U;
                  return 0.125 * (relative * Math.abs(probability) + (label ? 2 * U : 0));
                }));
  }

  private static CudaCase largest(int rows, int width) {
    float[] logits = numbers("logits", rows * width);
    int[] labels = CudaCase.ids("labels", rows, width);
    for (int t = 0; t < rows; t++) {
      int at = t * width + labels[t];
      switch (t % 4) {
        case 0 -> logits[at] = 100;
        case 1 -> {
          // Of equal numbers the first is the largest.
          logits[at] = 100;
          logits[t * width] = 100;
        }
        case 2 -> {
          logits[at] = 100;
          logits[(t + 1) * width - 1] = 100;
        }
        default -> {
          // As it is.
        }
      }
    }
    return new CudaCase(
        "label is largest " + rows + "x" + width,
        (kernels, memory) -> {
          Tensor hits = memory.garbage(rows);
          kernels.labelIsLargest(memory.floats(logits, rows, width), memory.ints(labels), hits);
          return List.of(hits.toFloats());
        },
        _ -> List.of(i -> 0));
  }
}
