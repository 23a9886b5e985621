package dev.lorikeet.adapter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.kernel.DeviceMatrix;
import dev.lorikeet.nn.BaseWeight;
import dev.lorikeet.nn.DenseLinear;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("native")
final class RowNormsTest {
  private static final int IN = 207;
  private static final int OUT = 70;
  private static final int RANK = 5;
  private static final double SCALE = 2;

  /** A row that is left is at least 1/16 of its terms, each of which is right to 2⁻²⁴·√in or so. */
  private static final double TOLERANCE = 0x1p-20;

  @Test
  void agreeWithTheNormsOfTheWholeMatrix() {
    compare(new float[OUT], 0);
  }

  /** W ≈ −s·BA in every third row, down to a millionth: the three terms cancel to nothing. */
  @Test
  void rowsThatCancelAreAddedUpDirectly() {
    float[] left = new float[OUT];
    for (int i = 0; i < OUT; i += 3) {
      left[i] = (float) Math.pow(10, -(i % 7));
    }
    int read = compare(left, 1);
    assertTrue(read > OUT / 6 && read <= Math.ceilDiv(OUT, 3), read + " rows were read");
  }

  @Test
  void aRowThatCancelsExactlyHasNormZero() {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      Tensor a = tensors.of(new float[] {1, 2, 4}, 1, 3);
      Tensor b = tensors.of(new float[] {-0.5f, 0.25f}, 2, 1);
      Tensor w = tensors.of(new float[] {1, 2, 4, 1, 2, 4}, 2, 3);
      float[] norms = new RowNorms(base(w), SCALE).of(a, b);
      assertEquals(0f, norms[0]);
      assertEquals((float) (1.5 * Math.sqrt(21)), norms[1], 1e-6);
    }
  }

  /** Row i of W is −s·BAᵢ plus {@code left[i]} times noise; where that is 0, noise alone. */
  private static int compare(float[] left, int cancelling) {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      Tensor a = tensors.normal("a", RANK, IN);
      Tensor b = tensors.normal("b", OUT, RANK);
      double[][] update = update(a.toFloats(), b.toFloats());
      float[] w = Tensors.numbers("w", OUT * IN);
      for (int i = 0; i < OUT; i++) {
        for (int j = 0; left[i] != 0 && j < IN; j++) {
          w[i * IN + j] = (float) (left[i] * w[i * IN + j] - update[i][j]);
        }
      }
      CountingWeight weight = new CountingWeight(base(tensors.of(w, OUT, IN)));
      float[] norms = new RowNorms(weight, SCALE).of(a, b);
      for (int i = 0; i < OUT; i++) {
        double sum = 0;
        for (int j = 0; j < IN; j++) {
          double entry = w[i * IN + j] + update[i][j];
          sum += entry * entry;
        }
        double expected = Math.sqrt(sum);
        assertEquals(expected, norms[i], TOLERANCE * expected, "row " + i);
      }
      assertEquals(cancelling > 0, weight.rowsRead > 0);
      return weight.rowsRead;
    }
  }

  private static double[][] update(float[] a, float[] b) {
    double[][] update = new double[OUT][IN];
    for (int i = 0; i < OUT; i++) {
      for (int j = 0; j < IN; j++) {
        for (int k = 0; k < RANK; k++) {
          update[i][j] += SCALE * b[i * RANK + k] * a[k * IN + j];
        }
      }
    }
    return update;
  }

  private static DenseLinear base(Tensor w) {
    return new DenseLinear("m", new Parameter("m.weight", w, Training.FROZEN), Optional.empty());
  }

  /** Counts the rows that are read one by one. */
  static final class CountingWeight implements BaseWeight {
    private final BaseWeight weight;
    private int rowsRead;

    CountingWeight(BaseWeight weight) {
      this.weight = weight;
    }

    @Override
    public float[] rowSquares() {
      return weight.rowSquares();
    }

    @Override
    public DeviceMatrix onDevice() {
      return weight.onDevice();
    }

    @Override
    public void timesTransposed(Tensor a, Tensor out) {
      weight.timesTransposed(a, out);
    }

    @Override
    public void readRows(int from, Tensor out) {
      rowsRead += Math.toIntExact(out.size(0));
      weight.readRows(from, out);
    }

    @Override
    public Optional<Parameter> bias() {
      return weight.bias();
    }
  }
}
