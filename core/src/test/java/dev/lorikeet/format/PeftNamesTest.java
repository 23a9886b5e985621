package dev.lorikeet.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** PEFT's four rules for names, which are not one rule. */
final class PeftNamesTest {
  private static final String QUERY = "model.layers.11.self_attn.q_proj";

  @Test
  void targetsAreWholeNamesOrTheirLastParts() {
    assertTrue(PeftNames.endsWith(QUERY, "q_proj"));
    assertTrue(PeftNames.endsWith(QUERY, QUERY));
    assertFalse(PeftNames.endsWith(QUERY, "proj"));
  }

  @Test
  void patternsAreExpressionsForTheEndAndTheFirstCounts() {
    Map<String, Integer> patterns = new LinkedHashMap<>();
    patterns.put("layers\\.1\\.self_attn\\.q_proj", 1);
    patterns.put("layers.\\d+.self_attn.(q|k)_proj", 2);
    patterns.put("q_proj", 3);
    patterns.put("^lm_head", 4);
    assertEquals(Optional.of(2), PeftNames.pattern(patterns, QUERY));
    assertEquals(Optional.of(3), PeftNames.pattern(patterns, "q_proj"));
    assertEquals(Optional.of(4), PeftNames.pattern(patterns, "lm_head"));
    assertEquals(Optional.empty(), PeftNames.pattern(patterns, "model.lm_head"));
    assertFalse(PeftNames.matches("proj", QUERY));
    assertFalse(PeftNames.matches("self_attn", QUERY));
  }

  @Test
  void savedModulesEndWithTheirKeyAndHoldWhatIsInThem() {
    assertTrue(PeftNames.saves(List.of("norm"), "model.norm.weight"));
    assertTrue(PeftNames.saves(List.of("norm"), "model.layers.0.input_layernorm.weight"));
    assertTrue(PeftNames.saves(List.of("mlp"), "model.layers.0.mlp.up_proj.weight"));
    assertTrue(PeftNames.saves(List.of("x", "lm_head"), "lm_head.weight"));
    assertFalse(PeftNames.saves(List.of("weight"), "lm_head.weight"));
    assertFalse(PeftNames.saves(List.of("mlp.up"), "model.layers.0.mlp.up_proj.weight"));
  }

  @Test
  void theLayerIsTheFirstNumberBehindAName() {
    assertEquals(OptionalInt.of(11), PeftNames.layer(QUERY));
    assertEquals(OptionalInt.of(1), PeftNames.layer("model.layers.1.experts.5.up_proj"));
    assertEquals(OptionalInt.empty(), PeftNames.layer("lm_head"));
    assertEquals(OptionalInt.empty(), PeftNames.layer("layers.1.up_proj"));
    assertEquals(OptionalInt.of(1), PeftNames.layer("layers.1.up_proj", List.of("h", "layers")));
    assertEquals(OptionalInt.empty(), PeftNames.layer(QUERY, List.of("h")));
  }
}
