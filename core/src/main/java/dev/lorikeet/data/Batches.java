package dev.lorikeet.data;

import java.util.List;

/**
 * The batches of a plan. What a step sees depends on the step alone, so steps may be asked for in
 * any order; the order of the last epoch that was asked for is kept, so that going through an epoch
 * draws it once. It takes 4 bytes an example, the only thing in memory that grows with the data,
 * and nothing with {@link Order#SOURCE}.
 *
 * <p>For one thread.
 */
public final class Batches {
  private static final int NONE = -1;

  private final BatchPlan plan;
  private final List<Example> train;
  private int epoch = NONE;
  private int[] order = new int[0];

  /**
   * Batches of {@code train}, which stay their owner's.
   *
   * @param train the training examples, as many as the plan was made for
   */
  public Batches(BatchPlan plan, List<Example> train) {
    if (train.size() != plan.examples()) {
      throw new IllegalArgumentException(
          "a plan over " + plan.examples() + " examples got " + train.size());
    }
    this.plan = plan;
    this.train = train;
  }

  /** The examples of {@code step}. */
  public GlobalBatch batch(long step) {
    if (plan.epoch(step) != epoch) {
      // Before the new order is drawn, so that there are never two.
      order = new int[0];
      epoch = plan.epoch(step);
      order = plan.order(epoch);
    }
    List<MicroBatch> microBatches =
        plan.indices(step, order).stream()
            .map(indices -> new MicroBatch(indices.stream().map(train::get).toList()))
            .toList();
    return new GlobalBatch(step, epoch, microBatches);
  }
}
