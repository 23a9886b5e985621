package dev.lorikeet.adapter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A merged model says what the model with its adapter says. */
@Tag("reference")
final class MergeTest {
  /**
   * float32 sums of at most 172 terms in three layers: transformers' own logits are 2e-6 from their
   * float64. A merged weight is rounded once more, by 6e-8 of itself.
   */
  private static final double RELATIVE_TOLERANCE = 1e-5;

  @ParameterizedTest
  @CsvSource({
    "tied-gqa, all-linear, false",
    "tied-gqa, all-linear, true",
    "tied-gqa, lm_head, false",
    "tied-gqa, lm_head, true",
    "untied-odd, all-linear, false",
    "untied-odd, all-linear, true",
    "untied-odd, lm_head, true",
    "mha-bias, all-linear, false",
    "mha-bias, all-linear, true"
  })
  void mergedWeightsGiveTheLogitsOfTheAdapter(String name, String target, boolean dora) {
    LoraSettings lora = new LoraSettings(8, 16, false, 0, Targets.of(List.of(target)));
    LoraSettings settings = dora ? lora.withDora() : lora;
    try (Device device = Device.cpu(2);
        CausalLm plain =
            Checkpoints.build(
                Checkpoints.tiny(name), device, Training.FROZEN, Linear.Wrapper.none());
        LoraAdapter adapter = LoraAdapter.fresh(settings, device, 1);
        CausalLm adapted =
            Checkpoints.build(Checkpoints.tiny(name), device, Training.FROZEN, adapter)) {
      learn(adapter);
      compare(name, device, plain, adapted, adapter);
    }
  }

  @ParameterizedTest
  @CsvSource({"tied-gqa, fresh", "tied-gqa, dropout", "mha-bias, moved"})
  void whatPeftTrainedIsMergedToPeftsLogits(String name, String run) {
    Path files = Fixture.ROOT.resolve("dora/" + name + "/" + run + "/final");
    try (Device device = Device.cpu(2);
        CausalLm plain =
            Checkpoints.build(
                Checkpoints.tiny(name), device, Training.FROZEN, Linear.Wrapper.none());
        LoraAdapter adapter = LoraAdapter.read(files, device);
        CausalLm adapted =
            Checkpoints.build(Checkpoints.tiny(name), device, Training.FROZEN, adapter)) {
      compare(name + " " + run, device, plain, adapted, adapter);
    }
  }

  private static void compare(
      String what, Device device, CausalLm plain, CausalLm adapted, LoraAdapter adapter) {
    int[] tokens = Checkpoints.tokens(4, 31, plain.vocabularySize());
    float[] base = Checkpoints.logits(plain, device, tokens);
    float[] expected = Checkpoints.logits(adapted, device, tokens);
    long before = device.memory().currentBytes();
    try (Merge merge = new Merge(adapted.parameters(), List.of(), adapted.head(), adapter)) {
      boolean tied = adapter.modules().stream().anyMatch(m -> m.name().equals("lm_head"));
      tied &= plain.parameters().stream().noneMatch(p -> p.name().equals("lm_head.weight"));
      long head = tied ? 4L * plain.head().inFeatures() * plain.vocabularySize() : 0;
      assertEquals(before + head, device.memory().currentBytes(), "no second copy of the model");
      if (tied) {
        assertEquals(adapted.parameters().size() + 1, merge.parameters().size());
        return;
      }
      for (int i = 0; i < merge.parameters().size(); i++) {
        Parameter target = plain.parameters().get(i);
        assertEquals(target.name(), merge.parameters().get(i).name());
        target.value().copyFrom(merge.parameters().get(i).value());
      }
    }
    Close.assertRelative(
        expected, Checkpoints.logits(plain, device, tokens), RELATIVE_TOLERANCE, what);
    double change = Close.frobenius(base, expected);
    assertTrue(change > 0.01, "the adapter changes the logits by " + change + " only");
  }

  /** As if it had been trained: B is not zero, and magnitudes are not the norms. */
  static void learn(LoraAdapter adapter) {
    for (Parameter parameter : adapter.parameters()) {
      long count = parameter.value().elements();
      float[] noise = Checkpoints.normal(parameter.name().hashCode(), count, 0.2);
      float[] values = parameter.value().toFloats();
      for (int i = 0; i < values.length; i++) {
        values[i] = parameter.name().contains("lora_A") ? values[i] : values[i] * (1 + noise[i]);
        values[i] += parameter.name().contains("lora_B") ? noise[i] : 0;
      }
      parameter.value().copyFrom(values);
    }
  }
}
