package dev.lorikeet.adapter;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.adapter.ChosenLayers.Rule;
import dev.lorikeet.data.Example;
import dev.lorikeet.data.PackedBatch;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.format.TargetModules;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nn.CheckpointWeights;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.PassOptions;
import dev.lorikeet.nn.Weights;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import dev.lorikeet.train.LanguageModelLoss;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Chosen weights get the gradients of full fine-tuning, the others none. */
@Tag("native")
final class ChosenLayersTest {
  private static final String BASE = "untied-odd";

  private static ChosenLayers names(Rule rule, String... names) {
    return new ChosenLayers(rule, new TargetModules.Names(List.of(names)));
  }

  private static ChosenLayers expression(Rule rule, String regex) {
    return new ChosenLayers(rule, new TargetModules.Expression(regex));
  }

  @Test
  void namesMeanModulesEndingsAndWhatIsInThem() {
    assertTrained(names(Rule.TRAIN, "lm_head"), "lm_head.weight");
    assertTrained(names(Rule.TRAIN, "model.norm"), "model.norm.weight");
    assertTrained(
        names(Rule.TRAIN, "layers.1.self_attn.q_proj", "embed_tokens"),
        "model.embed_tokens.weight",
        "model.layers.1.self_attn.q_proj.weight");
    assertTrained(
        names(Rule.TRAIN, "layers.1.mlp"),
        "model.layers.1.mlp.gate_proj.weight",
        "model.layers.1.mlp.up_proj.weight",
        "model.layers.1.mlp.down_proj.weight");
    assertTrained(
        expression(Rule.TRAIN, ".*\\.0\\..*norm"),
        "model.layers.0.input_layernorm.weight",
        "model.layers.0.post_attention_layernorm.weight");
    assertTrained(
        names(Rule.FREEZE, "layers", "embed_tokens"), "model.norm.weight", "lm_head.weight");
    assertTrained(expression(Rule.FREEZE, "model\\..*"), "lm_head.weight");
  }

  private static void assertTrained(ChosenLayers chosen, String... expected) {
    try (Device device = Device.shapeOnly();
        CausalLm model = build(device, Optional.of(chosen))) {
      chosen.requireMatch();
      List<String> trained =
          model.parameters().stream().filter(Parameter::isTrainable).map(Parameter::name).toList();
      assertEquals(List.of(expected), trained);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theGradientsAreThoseOfFullFineTuning(boolean recompute) {
    Map<String, float[]> all = gradients(Optional.empty(), recompute);
    Map<String, float[]> some =
        gradients(Optional.of(names(Rule.TRAIN, "layers.1", "model.norm")), recompute);
    assertEquals(10, some.size());
    some.forEach((name, gradient) -> {
      assertTrue(name.startsWith("model.layers.1.") || name.equals("model.norm.weight"), name);
      assertArrayEquals(all.getOrDefault(name, new float[0]), gradient, name);
    });
    assertEquals(21, all.size());
  }

  @Test
  void theBackwardPassEndsBelowTheLowestTrainedLayer() {
    long whole = peakOfLoss(names(Rule.TRAIN, "q_proj"));
    long top = peakOfLoss(names(Rule.TRAIN, "layers.1.self_attn.q_proj"));
    long head = peakOfLoss(names(Rule.TRAIN, "lm_head"));
    assertTrue(top < whole, top + " and " + whole);
    assertTrue(head < top, head + " and " + top);
  }

  private static long peakOfLoss(ChosenLayers chosen) {
    try (Device device = Device.cpu(1);
        CausalLm model = build(device, Optional.of(chosen))) {
      long before = device.memory().currentBytes();
      device.memory().resetPeak();
      loss(model, device, false);
      long gradients =
          model.parameters().stream()
              .flatMap(parameter -> parameter.gradient().stream())
              .mapToLong(gradient -> gradient.bytes())
              .sum();
      return device.memory().peakBytes() - before - gradients;
    }
  }

  private static Map<String, float[]> gradients(Optional<ChosenLayers> chosen, boolean recompute) {
    Map<String, float[]> gradients = new TreeMap<>();
    try (Device device = Device.cpu(2);
        CausalLm model = build(device, chosen)) {
      loss(model, device, recompute);
      for (Parameter parameter : model.parameters()) {
        parameter.gradient().ifPresent(g -> gradients.put(parameter.name(), g.toFloats()));
        assertEquals(parameter.isTrainable(), parameter.gradient().isPresent());
      }
    }
    return gradients;
  }

  private static void loss(CausalLm model, Device device, boolean recompute) {
    int[] tokens = Checkpoints.tokens(3, 40, model.vocabularySize());
    PackedBatch batch = PackedBatch.of(List.of(new Example(0, tokens, 1)));
    PassOptions options = new PassOptions(Optional.empty(), Optional.empty(), recompute);
    float[] losses = new LanguageModelLoss(model, device).lossesWithGradients(batch, 1f, options);
    assertFalse(losses.length == 0);
  }

  @Test
  void aChoiceOfNothingIsRefused() {
    assertRefused(
        names(Rule.TRAIN, "q_proj", "h.0"),
        "adapter.train [h.0]: no module of the model has such a name; there are [down_proj,",
        "embed_tokens");
    assertRefused(expression(Rule.FREEZE, "q_proj"), "adapter.freeze [q_proj]: no module");
    assertRefused(names(Rule.FREEZE, "model", "lm_head"), "adapter.freeze leaves nothing to train");
  }

  private static void assertRefused(ChosenLayers chosen, String... parts) {
    try (Device device = Device.shapeOnly();
        CausalLm _ = build(device, Optional.of(chosen))) {
      String message =
          String.valueOf(assertThrows(ConfigException.class, chosen::requireMatch).getMessage());
      for (String part : parts) {
        assertTrue(message.contains(part), message);
      }
    }
  }

  private static CausalLm build(Device device, Optional<ChosenLayers> chosen) {
    return Checkpoints.build(
        Checkpoints.tiny(BASE),
        device,
        Linear.Wrapper.none(),
        checkpoint -> {
          Weights weights = new CheckpointWeights(checkpoint, device, Training.TRAINABLE);
          return chosen.isPresent() ? chosen.get().over(weights) : weights;
        });
  }
}
