package dev.lorikeet.metric;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * Agreement with SQuAD's script, lm-evaluation-harness and RapidFuzz (reference/metrics/make_text).
 */
class TextMetricsTest {
  /** One rounding of each of a few operations. */
  private static final double ROUNDING = 1e-15;

  @Test
  void exactMatchAfterSquadAgreesWithItsScript() {
    Metric metric = ReferenceCases.metric("exact_match(normalize=squad)");
    for (JsonNode one : ReferenceCases.with("text", "squad_exact")) {
      assertEquals(one.path("squad_exact").asDouble(), score(metric, one), one.toString());
    }
  }

  @Test
  void exactMatchOfTheHarnessAgreesWithIt() {
    for (JsonNode one : ReferenceCases.with("text", "harness_exact")) {
      Map<String, Object> options = new LinkedHashMap<>(Map.of("normalize", "harness"));
      one.path("harness_options")
          .properties()
          .forEach(option ->
              options.put(
                  option.getKey(),
                  option.getValue().isArray()
                      ? ReferenceCases.texts(option.getValue())
                      : option.getValue().asBoolean()));
      Metric metric =
          MetricRegistry.standard(CommandPolicy.REFUSE)
              .create(new MetricSpec("exact_match", options));
      assertEquals(one.path("harness_exact").asDouble(), score(metric, one), one.toString());
    }
  }

  @Test
  void tokenF1AgreesWithSquad() {
    Metric metric = ReferenceCases.metric("token_f1");
    for (JsonNode one : ReferenceCases.with("text", "f1")) {
      assertEquals(one.path("f1").asDouble(), score(metric, one), ROUNDING, one.toString());
    }
  }

  @Test
  void editSimilarityAgreesWithRapidFuzz() {
    Metric metric = ReferenceCases.metric("edit_similarity");
    for (JsonNode one : ReferenceCases.with("text", "edit_similarity")) {
      assertEquals(
          one.path("edit_similarity").asDouble(), score(metric, one), ROUNDING, one.toString());
    }
  }

  @Test
  void extractionAgreesWithTheHarness() {
    for (JsonNode one : ReferenceCases.with("text", "expression")) {
      RegexFilter filter =
          new RegexFilter(
              PythonText.pattern(one.path("expression").asString()),
              one.path("group_select").asInt(),
              RegexFilter.INVALID);
      List<String> answers = ReferenceCases.texts(one.path("answers"));
      List<String> found = ReferenceCases.texts(one.path("found"));
      for (int i = 0; i < answers.size(); i++) {
        assertEquals(
            found.get(i),
            filter.apply(answers.get(i)),
            one.path("expression") + " in " + answers.get(i));
      }
    }
  }

  @Test
  void anyExpectedAnswerCounts() {
    assertEquals(1, ReferenceCases.score(ReferenceCases.metric("exact_match"), " b\n", "a", "b"));
    assertEquals(0, ReferenceCases.score(ReferenceCases.metric("exact_match"), "B", "a", "b"));
    assertEquals(1, ReferenceCases.score(ReferenceCases.metric("token_f1"), "b", "a b", "b"));
    assertEquals(1, ReferenceCases.score(ReferenceCases.metric("edit_similarity"), "b", "xx", "b"));
  }

  @Test
  void metricsScoreWhatAnExpressionFinds() {
    Metric strict = ReferenceCases.metric("exact_match(extract=\"#### (\\-?[0-9\\.\\,]+)\")");
    assertEquals(1, ReferenceCases.score(strict, "so\n#### 12", "12"));
    assertEquals(0, ReferenceCases.score(strict, "so 12", "12"));
    Metric last = ReferenceCases.metric("regex_match(extract=\"[A-D]\", group_select=-1)");
    assertEquals(1, ReferenceCases.score(last, "A, no, C", "C"));
    Metric fallback = ReferenceCases.metric("regex_match(extract=\"[A-D]\", fallback=none)");
    assertEquals(1, ReferenceCases.score(fallback, "what?", "none"));
  }

  @Test
  void editDistanceOfLongTextsNeedsOneRow() {
    // The full table would have 1.6 GB.
    String one = "ab".repeat(10_000) + "x";
    String other = "y" + "ba".repeat(10_000);
    assertEquals(2, Levenshtein.distance(one, other));
  }

  @Test
  void lengthCountsWordsCharactersOrBytes() {
    String text = " two  w\u00f6rds \ud83d\ude00";
    assertEquals(3, ReferenceCases.score(ReferenceCases.metric("length"), text));
    assertEquals(13, ReferenceCases.score(ReferenceCases.metric("length(unit=characters)"), text));
    assertEquals(17, ReferenceCases.score(ReferenceCases.metric("length(unit=bytes)"), text));
  }

  private static double score(Metric metric, JsonNode one) {
    return ReferenceCases.score(
        metric, one.path("answer").asString(), one.path("expected").asString());
  }
}
