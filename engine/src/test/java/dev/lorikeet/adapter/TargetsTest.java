package dev.lorikeet.adapter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.format.TargetModules;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which maps an adapter goes on, by the rules of PEFT's target_modules. */
final class TargetsTest {
  private static final String QUERY = "model.layers.1.self_attn.q_proj";

  @Test
  void allLinearIsEveryMapButTheHead() {
    Targets targets = Targets.of(List.of("all-linear"));
    assertEquals(Targets.allLinear(), targets);
    assertTrue(targets.matches(QUERY));
    assertTrue(targets.matches("model.layers.0.mlp.down_proj"));
    assertFalse(targets.matches("lm_head"));
  }

  @Test
  void aNameIsAWholeNameOrItsLastParts() {
    assertTrue(Targets.of(List.of("q_proj")).matches(QUERY));
    assertTrue(Targets.of(List.of("self_attn.q_proj")).matches(QUERY));
    assertTrue(Targets.of(List.of(QUERY)).matches(QUERY));
    assertTrue(Targets.of(List.of("lm_head")).matches("lm_head"));
    assertFalse(Targets.of(List.of("proj")).matches(QUERY));
    assertFalse(Targets.of(List.of("_proj")).matches(QUERY));
    assertFalse(Targets.of(List.of("q_proj")).matches("model.layers.1.self_attn.k_proj"));
    assertFalse(Targets.of(List.of(QUERY)).matches("model.layers.11.self_attn.q_proj"));
    assertFalse(Targets.of(List.of(QUERY)).matches("model.layers.0.self_attn.q_proj"));
    assertFalse(Targets.of(List.of("q.proj")).matches(QUERY));
  }

  @Test
  void anExpressionHasToMatchTheWholeName() {
    Targets targets =
        new Targets(new TargetModules.Expression("model\\.layers\\.[02]\\..*\\.(q|v)_proj"));
    assertTrue(targets.matches("model.layers.2.self_attn.v_proj"));
    assertFalse(targets.matches(QUERY));
    assertFalse(new Targets(new TargetModules.Expression("q_proj")).matches(QUERY));
  }

  private static final List<String> MODEL =
      List.of(
          "model.embed_tokens",
          "model.layers.0.self_attn.q_proj",
          "model.layers.0.self_attn.o_proj",
          "model.layers.0.mlp.up_proj",
          "model.layers.1.self_attn.q_proj",
          "model.layers.1.self_attn.v_proj",
          "model.layers.1.mlp.up_proj",
          "lm_head");

  private static List<String> matched(Targets targets) {
    return MODEL.stream().filter(targets::matches).toList();
  }

  @Test
  void aSingleTextIsAPresetOrAnExpression() {
    assertEquals(Targets.allLinear(), Targets.of("all-linear"));
    assertEquals(
        List.of(
            "model.layers.0.self_attn.q_proj",
            "model.layers.0.self_attn.o_proj",
            "model.layers.1.self_attn.q_proj",
            "model.layers.1.self_attn.v_proj"),
        matched(Targets.of("attention")));
    assertEquals(
        List.of("model.layers.0.mlp.up_proj", "model.layers.1.mlp.up_proj"),
        matched(Targets.of("mlp")));
    assertEquals(
        List.of(
            "model.layers.0.self_attn.q_proj",
            "model.layers.1.self_attn.q_proj",
            "model.layers.1.self_attn.v_proj"),
        matched(Targets.of("qv")));
    assertEquals(List.of(), matched(Targets.of("q_proj")));
    assertEquals(List.of("model.embed_tokens"), matched(Targets.of(".*tokens")));
  }

  @Test
  void onlyNamesAndExpressionsReachAnEmbedding() {
    assertFalse(Targets.allLinear().matchesEmbedding("model.embed_tokens"));
    assertFalse(Targets.of("attention").matchesEmbedding("model.embed_tokens"));
    assertTrue(Targets.of(List.of("embed_tokens")).matchesEmbedding("model.embed_tokens"));
    assertTrue(Targets.of(".*embed_tokens").matchesEmbedding("model.embed_tokens"));
  }

  @Test
  void layersConcernEndingsButNoFullName() {
    Targets targets =
        Targets.of(List.of("q_proj", "model.layers.1.mlp.up_proj", "lm_head")).inLayers(List.of(0));
    assertEquals(
        List.of("model.layers.0.self_attn.q_proj", "model.layers.1.mlp.up_proj", "lm_head"),
        matched(targets));
    assertEquals(
        List.of("model.layers.1.mlp.up_proj"), matched(Targets.of("mlp").inLayers(List.of(1))));
  }

  @Test
  void exceptionsAreNamesOrAnExpression() {
    Targets names =
        Targets.of(List.of("q_proj", "up_proj"))
            .without(new TargetModules.Names(List.of("up_proj", "layers.1.self_attn.q_proj")));
    assertEquals(List.of("model.layers.0.self_attn.q_proj"), matched(names));
    Targets expression = Targets.allLinear().without(new TargetModules.Expression(".*\\.0\\..*"));
    assertFalse(expression.matches("model.layers.0.mlp.up_proj"));
    assertTrue(expression.matches("model.layers.1.mlp.up_proj"));
  }

  @Test
  void filesNameTheModulesOfWhatPeftHasNoWordFor() {
    Targets preset = Targets.of("mlp");
    assertEquals(Targets.of(List.of("up_proj")), preset.written(matched(preset), MODEL));
    Targets layer = Targets.of("mlp").inLayers(List.of(1));
    assertEquals(
        Targets.of(List.of("model.layers.1.mlp.up_proj")), layer.written(matched(layer), MODEL));
    Targets names = Targets.of(List.of("q_proj")).inLayers(List.of(1));
    assertEquals(names, names.written(matched(names), MODEL));
  }
}
