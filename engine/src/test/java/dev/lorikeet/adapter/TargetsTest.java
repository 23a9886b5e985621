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
}
