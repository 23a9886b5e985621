package dev.lorikeet.adapter;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.Rounding;
import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.nn.Pass;
import dev.lorikeet.nn.PassOptions;
import dev.lorikeet.nn.Sequences;
import dev.lorikeet.nn.TokenEmbedding;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.tape.Tape.Mode;
import dev.lorikeet.tape.Var;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Rng;
import dev.lorikeet.torch.Tensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** y = E[ids] + s·Aᵀ[ids]·Bᵀ and its gradients, token by token. */
@Tag("native")
final class LoraEmbeddingTest {
  private static final int ROWS = 11;
  private static final int COLUMNS = 13;
  private static final int RANK = 3;

  /** Token 4 comes three times: its gradients add up. */
  private static final int[] IDS = {4, 0, 10, 4, 7, 4};

  private static final LoraSettings SETTINGS =
      new LoraSettings(RANK, 6, false, 0.5, Targets.allLinear());

  @Test
  void valuesAndGradientsAreThoseOfTheFormula() {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device);
        Pass pass = new Pass(device, Mode.RECORD, Sequences.of(IDS), PassOptions.none())) {
      Tensor table = tensors.normal("table", ROWS, COLUMNS);
      Tensor a = tensors.normal("a", ROWS, RANK);
      Tensor b = tensors.normal("b", COLUMNS, RANK);
      Tensor upstream = tensors.normal("dy", IDS.length, COLUMNS);
      try (LoraEmbedding lora =
          new LoraEmbedding(embedding(table), SETTINGS, a.retain(), b.retain())) {
        Var y = lora.forward(pass);
        assertArrayEquals(
            expected(table.toFloats(), a.toFloats(), b.toFloats()), y.value().toFloats(), 2e-6f);
        pass.tape().backward(y, upstream.retain());
        float[] dy = upstream.toFloats();
        float[] da = new float[ROWS * RANK];
        float[] db = new float[COLUMNS * RANK];
        for (int t = 0; t < IDS.length; t++) {
          for (int i = 0; i < RANK; i++) {
            for (int c = 0; c < COLUMNS; c++) {
              float g = 2 * dy[t * COLUMNS + c];
              da[IDS[t] * RANK + i] += g * b.toFloats()[c * RANK + i];
              db[c * RANK + i] += g * a.toFloats()[IDS[t] * RANK + i];
            }
          }
        }
        double tolerance = 4 * (COLUMNS + IDS.length) * Rounding.U;
        Close.assertRelative(da, lora.a().gradient().orElseThrow().toFloats(), tolerance, "dA");
        Close.assertRelative(db, lora.b().gradient().orElseThrow().toFloats(), tolerance, "dB");
      }
    }
  }

  private static float[] expected(float[] table, float[] a, float[] b) {
    float[] y = new float[IDS.length * COLUMNS];
    for (int t = 0; t < IDS.length; t++) {
      for (int c = 0; c < COLUMNS; c++) {
        double sum = 0;
        for (int i = 0; i < RANK; i++) {
          sum += (double) a[IDS[t] * RANK + i] * b[c * RANK + i];
        }
        y[t * COLUMNS + c] = (float) (table[IDS[t] * COLUMNS + c] + 2 * sum);
      }
    }
    return y;
  }

  @Test
  void aFreshOneChangesNoBitAndItsBIsStandardNormal() {
    int columns = 4000;
    try (Device device = Device.cpu(1);
        Tensors tensors = new Tensors(device);
        Pass pass = Pass.inference(device, Sequences.of(IDS))) {
      TokenEmbedding base = embedding(tensors.normal("table", ROWS, columns));
      try (LoraEmbedding lora = LoraEmbedding.start(base, SETTINGS, device, new Rng(1))) {
        assertArrayEquals(
            base.forward(pass).value().toFloats(), lora.forward(pass).value().toFloats());
        double squares = 0;
        for (float value : lora.b().value().toFloats()) {
          squares += (double) value * value;
        }
        // Twelve thousand squares of variance 2: five standard deviations.
        assertEquals(1, squares / (columns * RANK), 5 * Math.sqrt(2.0 / (columns * RANK)));
        assertTrue(lora.a().isTrainable() && lora.b().isTrainable());
      }
    }
  }

  private static TokenEmbedding embedding(Tensor table) {
    return new TokenEmbedding("e", new Parameter("e.weight", table, Training.FROZEN));
  }
}
