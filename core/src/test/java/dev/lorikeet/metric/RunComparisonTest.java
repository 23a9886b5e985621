package dev.lorikeet.metric;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.DataException;
import dev.lorikeet.metric.ItemResults.Header;
import dev.lorikeet.metric.ItemResults.ItemResult;
import dev.lorikeet.stat.Comparison;
import dev.lorikeet.stat.Uncertainty;
import dev.lorikeet.stat.Verdict;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Two runs over the same items. */
class RunComparisonTest {
  private static final Uncertainty UNCERTAINTY = new Uncertainty(0.95, 3, 500);
  private static final MetricRegistry METRICS = MetricRegistry.standard(CommandPolicy.REFUSE);

  @Test
  void itemsAreJoinedByTheirIdsAndChangesListed() {
    ItemResults before = Results.of(Results.HEADER, "abcdef", 1, 1, 0, 0, 0, 1);
    ItemResults after = Results.of(Results.HEADER, "zfedcba", 0, 1, 1, 1, 1, 0, 1);
    RunComparison comparison = RunComparison.of(before, after, METRICS, UNCERTAINTY);
    assertEquals(0, comparison.onlyFirst());
    assertEquals(1, comparison.onlySecond());
    RunComparison.Changes changes = changes(comparison, "exact_match");
    assertEquals(List.of("b"), ids(changes.worse()));
    assertEquals(List.of("c", "d", "e"), ids(changes.better()));
    Comparison exact = compared(comparison, "exact_match");
    assertEquals(0.5, exact.first());
    assertEquals(5 / 6.0, exact.second(), 1e-15);
    assertEquals(Comparison.Test.MCNEMAR, exact.test());
    // One of four changes against three: 2·(1 + 4)/16.
    assertEquals(0.625, exact.pValue(), 1e-12);
    assertEquals(Verdict.WITHIN_NOISE, exact.verdict());
  }

  @Test
  void whereLowerIsBetterFallingIsBetter() {
    Header header = Results.header("perplexity");
    ItemResults before = perplexities(header, 2, 4, 8);
    ItemResults after = perplexities(header, 3, 1, 8);
    RunComparison.Changes changes =
        changes(RunComparison.of(before, after, METRICS, UNCERTAINTY), "perplexity");
    assertEquals(List.of("i0"), ids(changes.worse()));
    assertEquals(List.of("i1"), ids(changes.better()));
  }

  @Test
  void scoresOfWholeFilesAreComparedByTheBootstrap() {
    Header header = Results.header("perplexity");
    double[] some = new double[40];
    double[] others = new double[40];
    for (int i = 0; i < some.length; i++) {
      some[i] = 2 + i % 5;
      others[i] = some[i] * (0.8 + 0.01 * (i % 3));
    }
    Comparison comparison =
        compared(
            RunComparison.of(
                perplexities(header, some), perplexities(header, others), METRICS, UNCERTAINTY),
            "perplexity");
    assertEquals(Comparison.Test.PAIRED_BOOTSTRAP, comparison.test());
    assertEquals(Verdict.BETTER, comparison.verdict());
    assertEquals(40, comparison.items());
    assertTrue(comparison.interval().high() < 0, comparison.text());
  }

  @Test
  void severalMetricsAreCorrectedTogether() {
    Header header =
        new Header(
            Results.HEADER.task(),
            "fedcba9876543210",
            60,
            "nano",
            7,
            List.of("exact_match", "token_f1"));
    List<ItemResult> before = new ArrayList<>();
    List<ItemResult> after = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      before.add(scored("i" + i, 0, 0.5));
      after.add(scored("i" + i, 1, 0.5));
    }
    RunComparison comparison =
        RunComparison.of(
            new ItemResults(header, before), new ItemResults(header, after), METRICS, UNCERTAINTY);
    // Alone 2/2⁶; the smaller of two p-values counts twice.
    assertEquals(0.0625, compared(comparison, "exact_match").pValue(), 1e-12);
    assertEquals(1, compared(comparison, "token_f1").pValue());
  }

  private static ItemResult scored(String id, double exact, double f1) {
    Map<String, ItemScore> scores = new LinkedHashMap<>();
    scores.put("exact_match", ItemScore.of(exact));
    scores.put("token_f1", ItemScore.of(f1));
    return new ItemResult(id, Optional.empty(), Optional.empty(), scores);
  }

  @Test
  void itemsInGroupsAreComparedBetweenGroups() {
    List<ItemResult> before = new ArrayList<>();
    List<ItemResult> after = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      Optional<String> group = Optional.of("text " + i / 5);
      before.add(grouped("i" + i, group, 0));
      after.add(grouped("i" + i, group, i < 10 ? 1 : 0));
    }
    Comparison comparison =
        compared(
            RunComparison.of(
                new ItemResults(Results.HEADER, before),
                new ItemResults(Results.HEADER, after),
                METRICS,
                UNCERTAINTY),
            "exact_match");
    // Ten of ten changes for the better look certain; they are two texts of four.
    assertEquals(Comparison.Test.CLUSTERED_T, comparison.test());
    assertEquals(Verdict.WITHIN_NOISE, comparison.verdict());
  }

  private static ItemResult grouped(String id, Optional<String> group, double value) {
    return new ItemResult(id, group, Optional.empty(), Map.of("exact_match", ItemScore.of(value)));
  }

  @Test
  void otherTasksDataOrItemsCannotBeCompared() {
    ItemResults one = Results.of(Results.HEADER, "a", 1);
    Header task =
        new Header(
            new ItemResults.TaskIdentity("tickets", "2", "ff"),
            "fedcba9876543210",
            60,
            "nano",
            7,
            List.of("exact_match"));
    assertTrue(
        refusal(one, Results.of(task, "a", 1))
            .contains(
                "tickets version 1 (definition 0123456789ab) in one and tickets version 2 (ff)"));
    Header data = new Header(Results.HEADER.task(), "00", 60, "nano", 7, List.of("exact_match"));
    assertTrue(
        refusal(one, Results.of(data, "a", 1)).contains("the hash fedcba987654 in one and 00"));
    assertTrue(refusal(one, Results.of(Results.HEADER, "b", 1)).contains("none is in both"));
    assertTrue(
        refusal(one, Results.of(Results.header("token_f1"), "a", 1))
            .contains("one has the metrics [exact_match], the other [token_f1]"));
  }

  private static String refusal(ItemResults one, ItemResults other) {
    return assertThrows(
            DataException.class, () -> RunComparison.of(one, other, METRICS, UNCERTAINTY))
        .getMessage();
  }

  private static ItemResults perplexities(Header header, double... values) {
    List<ItemResult> items = new ArrayList<>();
    for (int i = 0; i < values.length; i++) {
      Map<String, Double> parts = new LinkedHashMap<>();
      parts.put("nats", Math.log(values[i]) * 3);
      parts.put("tokens", 3.0);
      items.add(
          new ItemResult(
              "i" + i,
              Optional.empty(),
              Optional.empty(),
              Map.of("perplexity", new ItemScore(values[i], parts))));
    }
    return new ItemResults(header, items);
  }

  private static Comparison compared(RunComparison comparison, String metric) {
    Comparison found = comparison.metrics().get(metric);
    assertNotNull(found);
    return found;
  }

  private static RunComparison.Changes changes(RunComparison comparison, String metric) {
    RunComparison.Changes found = comparison.changes().get(metric);
    assertNotNull(found);
    return found;
  }

  private static List<String> ids(List<RunComparison.Change> changes) {
    return changes.stream().map(change -> change.first().id()).toList();
  }
}
