package dev.lorikeet.job;

import dev.lorikeet.config.Recipe;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.data.BatchPlan;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.train.LearningRate;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What it means for a resumed run to have another number of steps.
 *
 * @param resumption the run
 * @param examples number of training examples
 * @param plan the batches of now
 * @param rate the learning rates of now
 */
record ScheduleChange(Resumption resumption, int examples, BatchPlan plan, LearningRate rate) {

  /** Refuses a recipe that ends before the checkpoint. */
  void requireStepsLeft() {
    if (resumption.step() > plan.steps()) {
      throw new ConfigException(
          "Run %s has done %d steps already, but its recipe now ends after %d; raise train.epochs or train.max_steps"
              .formatted(resumption.run().id(), resumption.step(), plan.steps()));
    }
  }

  /** What becomes of the learning rate; empty if the steps are as many as before. */
  Optional<String> told() {
    RunConfig then = Recipe.parse(resumption.run().recipe(), "the recipe of before", List.of());
    long stepsThen = BatchPlan.of(then, examples).steps();
    long done = resumption.step();
    if (stepsThen == plan.steps() || done == 0 || done == plan.steps()) {
      return Optional.empty();
    }
    LearningRate rateThen = TrainingRules.of(then).learningRate(stepsThen);
    return Optional.of(
        String.format(
            Locale.ROOT,
            "The run gets %d steps instead of %d, and the learning rate's schedule is drawn over all of them: it was %.3g in step %d and is %.3g in step %d. The result is not that of a run that had %d steps from its start.",
            plan.steps(),
            stepsThen,
            rateThen.at(done - 1),
            done,
            rate.at(done),
            done + 1,
            plan.steps()));
  }
}
