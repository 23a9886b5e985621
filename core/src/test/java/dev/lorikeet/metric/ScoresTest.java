package dev.lorikeet.metric;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.stat.Estimate;
import dev.lorikeet.stat.Interval;
import dev.lorikeet.stat.Uncertainty;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Which uncertainty a score gets. */
class ScoresTest {
  private static final Uncertainty UNCERTAINTY = Uncertainty.seeded(1);

  @Test
  void sharesMeansAndWholeFilesHaveTheirOwnIntervals() {
    assertEquals(Estimate.Method.WILSON, estimate("exact_match", Optional.empty()).method());
    assertEquals(Estimate.Method.STUDENT, estimate("token_f1", Optional.empty()).method());
    assertEquals(Estimate.Method.BOOTSTRAP, estimate("bleu", Optional.empty()).method());
    Optional<List<String>> groups =
        Optional.of(IntStream.range(0, 30).mapToObj(i -> "g" + i / 3).toList());
    assertEquals(Estimate.Method.CLUSTERED, estimate("exact_match", groups).method());
    assertEquals(Estimate.Method.CLUSTERED, estimate("token_f1", groups).method());
    assertEquals(Estimate.Method.BOOTSTRAP, estimate("bleu", groups).method());
  }

  @Test
  void itemsThatAreAlikeTellLess() {
    Optional<List<String>> alike =
        Optional.of(IntStream.range(0, 30).mapToObj(i -> "g" + i / 10).toList());
    for (String metric : List.of("exact_match", "token_f1", "bleu")) {
      double alone = width(estimate(metric, Optional.empty()));
      double grouped = width(estimate(metric, alike));
      assertTrue(grouped > alone, metric + " " + grouped + " " + alone);
      assertEquals(30, estimate(metric, alike).items());
    }
  }

  private static double width(Estimate estimate) {
    Interval range = estimate.interval().orElseThrow();
    return range.high() - range.low();
  }

  /** Three blocks of ten items: all right, half right, none right. */
  private static Estimate estimate(String name, Optional<List<String>> groups) {
    Metric metric = ReferenceCases.metric(name);
    List<ItemScore> scores = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      boolean right = i < 10 || (i < 20 && i % 2 == 0);
      scores.add(
          metric.score(
              Item.written(
                  "" + i,
                  "",
                  right ? "one two three four" : "five",
                  List.of("one two three four"))));
    }
    return new Scores(metric, scores, groups).score(name, UNCERTAINTY).estimate();
  }

  @Test
  void itemsWithoutGroupAreGroupsOfTheirOwn() {
    assertEquals(
        Optional.empty(),
        Scores.groups(List.of("a", "b"), List.of(Optional.empty(), Optional.empty())));
    assertEquals(
        Optional.of(List.of("group b", "item b")),
        Scores.groups(List.of("a", "b"), List.of(Optional.of("b"), Optional.empty())));
  }
}
