package dev.lorikeet.judge;

import dev.lorikeet.metric.Aggregation;
import dev.lorikeet.metric.Item;
import dev.lorikeet.metric.ItemScore;
import dev.lorikeet.metric.Metric;
import dev.lorikeet.metric.Need;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Mean grade that a judge gives by a rubric, in the rubric's own grades. Replies that could not be
 * read do not count; how many there were is among the details.
 */
public final class RubricMetric implements Metric {
  private static final String GRADES = "grades";
  private static final String GRADED = "graded";
  private static final String UNREADABLE = "unreadable";

  private final RubricJudge judge;

  public RubricMetric(RubricJudge judge) {
    this.judge = judge;
  }

  @Override
  public String name() {
    return "judge_" + judge.rubric().name();
  }

  @Override
  public Set<Need> needs() {
    return judge.rubric().reference() == Rubric.Reference.SHOWN
        ? Set.of(Need.GENERATION, Need.REFERENCES)
        : Set.of(Need.GENERATION);
  }

  /** An item without a verdict has the lowest grade for itself, but none in the mean. */
  @Override
  public ItemScore score(Item item) {
    return judge
        .grade(item)
        .fold(
            grade -> new ItemScore(grade, parts(grade, 1, 0)),
            new ItemScore(judge.rubric().lowest(), parts(0, 0, 1)));
  }

  /**
   * The scores of many items, {@code atOnce} questions under way at a time.
   *
   * @throws dev.lorikeet.error.RunException if the judge fails; a cache keeps what it said
   */
  public List<ItemScore> scoreAll(List<Item> items, int atOnce) {
    return Judging.all(items, atOnce, this::score);
  }

  private static Map<String, Double> parts(double grade, double graded, double unreadable) {
    Map<String, Double> parts = new LinkedHashMap<>();
    parts.put(GRADES, grade);
    parts.put(GRADED, graded);
    parts.put(UNREADABLE, unreadable);
    return parts;
  }

  @Override
  public Aggregation aggregation() {
    double lowest = judge.rubric().lowest();
    return new Aggregation.OfSums(
        List.of(GRADES, GRADED), sums -> sums[1] == 0 ? lowest : sums[0] / sums[1]);
  }

  @Override
  public Map<String, Double> details(Map<String, Double> sums) {
    return Map.of(UNREADABLE, sums.getOrDefault(UNREADABLE, 0.0));
  }
}
