package dev.lorikeet.metric;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.stat.Estimate;
import dev.lorikeet.stat.Estimates;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Goals and whether they were reached. */
class TargetTest {
  /** 0.8667, 95 % from 0.7583 to 0.9309. */
  private static final Estimate SCORE = Estimates.proportion(52, 60, 0.95);

  @ParameterizedTest
  @CsvSource({
    ">= 0.7, REACHED",
    ">=0.9, NOT_CERTAIN",
    "> 0.95, NOT_REACHED",
    "≥ 70 %, REACHED",
    "<= 0.95, REACHED",
    "< 0.7, NOT_REACHED",
    "<.9, NOT_CERTAIN",
    "≤ 1e0, REACHED",
    "> -1, REACHED",
  })
  void aTargetIsReachedWhereTheWholeIntervalIs(String text, Target.Outcome outcome) {
    assertEquals(outcome, Target.parse("exact_match", text).outcome(SCORE));
  }

  @Test
  void reportsNameScoreAndInterval() {
    assertEquals(
        "exact_match >= 0.7: reached, 0.8667 (95 % 0.7583 to 0.9309, n = 60)",
        Target.parse("exact_match", ">= 0.7").report(SCORE));
    assertEquals(
        "exact_match >= 0.9: not certain, 0.8667 (95 % 0.7583 to 0.9309, n = 60) (the score itself"
            + " does not reach it)",
        Target.parse("exact_match", ">= 0.9").report(SCORE));
    assertTrue(
        Target.parse("exact_match", ">= 0.8")
            .report(SCORE)
            .endsWith("(the score itself reaches it)"));
  }

  @Test
  void perplexitiesAreToStayBelow() {
    Estimate perplexity = Estimates.mean(new double[] {11, 12, 13, 12}, 0.95);
    assertEquals(Target.Outcome.REACHED, Target.parse("perplexity", "< 15").outcome(perplexity));
    assertEquals(
        Target.Outcome.NOT_REACHED, Target.parse("perplexity", "<= 10").outcome(perplexity));
  }

  @Test
  void oneItemMakesNothingCertain() {
    Estimate one = Estimates.mean(new double[] {5}, 0.95);
    assertEquals(Target.Outcome.NOT_CERTAIN, Target.parse("token_f1", ">= 0.1").outcome(one));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"0.9", "= 0.9", ">= high", ">=", ">= 0.9.1", ">= 1e999", "=> 1", ">= 0,9"})
  void whatCannotBeReadIsTold(String text) {
    ConfigException wrong =
        assertThrows(ConfigException.class, () -> Target.parse("exact_match", text));
    assertTrue(wrong.getMessage().startsWith("targets.exact_match must be"), wrong.getMessage());
    assertTrue(wrong.getMessage().endsWith("found \"" + text + "\""), wrong.getMessage());
  }
}
