package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lorikeet.adapter.LoraAdapter;
import dev.lorikeet.adapter.LoraSettings;
import dev.lorikeet.adapter.Targets;
import dev.lorikeet.data.Example;
import dev.lorikeet.data.PackedBatch;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.fixture.FiniteDifference;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nn.PassOptions;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Maps whose output is changed in place after them still get their magnitude's gradient. */
@Tag("native")
final class DoraHeadTest {
  private static final float WEIGHT = 1f / 46;

  /** The loss of three layers and a head in float32, see LlamaGradientTest. */
  private static final double NOISE = 115 * 0x1p-24 / 3;

  /** The head's logits become their own gradient; queries and keys are rotated. */
  @ParameterizedTest
  @ValueSource(strings = {"lm_head", "q_proj", "k_proj", "o_proj"})
  void magnitudesHaveTheGradientOfTheLoss(String target) {
    LoraSettings settings =
        new LoraSettings(4, 8, false, 0, Targets.of(List.of(target))).withDora();
    PackedBatch batch =
        PackedBatch.of(
            List.of(
                new Example(0, Checkpoints.tokens(1, 29, 331), 1),
                new Example(1, Checkpoints.tokens(2, 19, 331), 1)));
    try (Device device = Device.cpu(1);
        LoraAdapter adapter = LoraAdapter.fresh(settings, device, 1);
        CausalLm model =
            Checkpoints.build(Checkpoints.tiny("tied-gqa"), device, Training.FROZEN, adapter)) {
      for (Parameter parameter : adapter.parameters()) {
        if (parameter.name().contains("lora_B")) {
          long count = parameter.value().elements();
          parameter.value().copyFrom(Checkpoints.normal(3, count, 0.1));
        }
      }
      LanguageModelLoss loss = new LanguageModelLoss(model, device);
      loss.lossesWithGradients(batch, WEIGHT, PassOptions.none());
      int checked = 0;
      for (Parameter parameter : adapter.parameters()) {
        if (parameter.name().contains("magnitude")) {
          float[] gradient = parameter.gradient().orElseThrow().toFloats();
          double noise = NOISE * sum(loss.losses(batch));
          FiniteDifference.check(
              parameter.value(), gradient, () -> sum(loss.losses(batch)), noise, parameter.name());
          checked++;
        }
      }
      assertEquals(adapter.modules().size(), checked);
    }
  }

  private static double sum(float[] losses) {
    double sum = 0;
    for (float loss : losses) {
      sum += loss;
    }
    return sum * WEIGHT;
  }
}
