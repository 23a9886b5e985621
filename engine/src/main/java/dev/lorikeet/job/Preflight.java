package dev.lorikeet.job;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.config.TrainSettings;
import dev.lorikeet.data.BatchPlan;
import dev.lorikeet.data.DataSet;
import dev.lorikeet.data.EncodeReport;
import dev.lorikeet.error.ConfigException;

/**
 * What can be said of recipe and data together, before anything is done.
 *
 * @param config the recipe, its sequences no longer than the context
 * @param data what was read
 * @param plan the batches of the run
 * @param contextLength most tokens that the model can see
 */
record Preflight(RunConfig config, DataSet data, BatchPlan plan, int contextLength) {

  /**
   * Tells what the user should know.
   *
   * @throws ConfigException if the recipe asks for what the data cannot give
   */
  void check(RunListener listener) {
    requireValidation();
    tellLengths(listener);
    TrainingRules.of(config).oddities(plan.steps()).forEach(listener::notice);
  }

  private void requireValidation() {
    TrainSettings train = config.train();
    boolean needed = train.earlyStoppingPatience().isPresent() || train.loadBestAtEnd();
    if (needed && data.validation().isEmpty()) {
      throw new ConfigException(
          "train.early_stopping_patience and train.load_best_at_end go by the validation loss, but data.validation holds out no example; give it a share or a file");
    }
  }

  private void tellLengths(RunListener listener) {
    EncodeReport report = data.report();
    int maxSeqLen = config.data().maxSeqLen();
    if (report.truncated() > 0) {
      listener.notice(
          "%d of %d records are longer than %d tokens (the longest has %d) and were cut; %s."
              .formatted(
                  report.truncated(),
                  report.records(),
                  maxSeqLen,
                  report.longest(),
                  maxSeqLen < contextLength
                      ? "raise data.max_seq_len to keep them whole"
                      : "the model's context holds no more"));
    }
    if (report.dropped() > 0) {
      listener.notice(
          "%d of %d records were left out: nothing to learn was left of them after cutting."
              .formatted(report.dropped(), report.records()));
    }
  }
}
