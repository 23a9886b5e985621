package dev.lorikeet.judge;

import dev.lorikeet.metric.Metric;
import dev.lorikeet.metric.MetricFactory;
import dev.lorikeet.metric.MetricOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The metrics of a judge, for {@link dev.lorikeet.metric.MetricRegistry#with}. */
public final class JudgedMetrics {
  private JudgedMetrics() {}

  /**
   * {@code judge_coherence}, {@code judge_relevance}, {@code judge_correctness}, and {@code
   * judge_rubric(rubric=FILE)} with a rubric of the user's.
   */
  public static List<MetricFactory> of(ChatModel judge) {
    List<MetricFactory> factories = new ArrayList<>();
    for (Rubric rubric : Rubric.STANDARD) {
      factories.add(
          new MetricFactory(
              "judge_" + rubric.name(),
              "grade by a judge, " + rubric.lowest() + " to " + rubric.highest(),
              _ -> new RubricMetric(new RubricJudge(judge, rubric))));
    }
    factories.add(
        new MetricFactory(
            "judge_rubric", "grade by a judge with your rubric", options -> own(judge, options)));
    return factories;
  }

  private static Metric own(ChatModel judge, MetricOptions options) {
    Optional<String> file = options.text("rubric");
    if (file.isEmpty()) {
      options.refuse("rubric is missing; it is the YAML file of the rubric");
    }
    Rubric rubric = file.map(Path::of).map(Rubric::read).orElse(Rubric.COHERENCE);
    return new RubricMetric(new RubricJudge(judge, rubric));
  }
}
