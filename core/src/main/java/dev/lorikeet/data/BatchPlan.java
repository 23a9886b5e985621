package dev.lorikeet.data;

import dev.lorikeet.config.RunConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * Which examples each step sees: a pure function of the step, so a run can go on anywhere.
 *
 * <p>Every epoch visits each example once. With {@link Order#SHUFFLED} epoch e follows {@code
 * Shuffle.permutation(examples, seed, e)}. An epoch's last step keeps what is left and is smaller
 * where the global batch does not divide the examples; the same holds for a step's last
 * micro-batch. No step mixes two epochs.
 *
 * @param examples number of training examples, at least 1
 * @param globalBatch examples per step, at least 1
 * @param microBatch examples per micro-batch, at least 1
 * @param seed start of the permutations
 * @param order whether epochs are permuted
 * @param epochs passes over the examples; empty: until {@code maxSteps}
 * @param maxSteps limit of steps; with {@code epochs} the earlier end counts
 */
public record BatchPlan(
    int examples,
    int globalBatch,
    int microBatch,
    long seed,
    Order order,
    OptionalInt epochs,
    OptionalInt maxSteps) {

  public BatchPlan {
    if (examples < 1 || globalBatch < 1 || microBatch < 1) {
      throw new IllegalArgumentException(
          "a plan over %d examples, %d per step, %d per micro-batch"
              .formatted(examples, globalBatch, microBatch));
    }
    if (epochs.isEmpty() && maxSteps.isEmpty()) {
      throw new IllegalArgumentException("a plan without end");
    }
  }

  /**
   * The plan that {@code config}, whose micro-batch is a number, asks for over {@code examples}
   * training examples.
   */
  public static BatchPlan of(RunConfig config, int examples) {
    return new BatchPlan(
        examples,
        config.train().globalBatch(),
        config.train().microBatchExamples(),
        config.train().seed(),
        config.data().shuffle() ? Order.SHUFFLED : Order.SOURCE,
        config.train().epochs(),
        config.train().maxSteps());
  }

  /** Steps of one epoch, at least 1. */
  public int stepsPerEpoch() {
    return Math.ceilDiv(examples, globalBatch);
  }

  /** Steps of the whole run. */
  public long steps() {
    long limit = maxSteps.isPresent() ? maxSteps.getAsInt() : Long.MAX_VALUE;
    return epochs.isPresent() ? Math.min(limit, (long) epochs.getAsInt() * stepsPerEpoch()) : limit;
  }

  /** Epoch that {@code step} belongs to, from 0. */
  public int epoch(long step) {
    requireStep(step);
    return (int) (step / stepsPerEpoch());
  }

  /**
   * Indices into the training examples for {@code step}, a list for each micro-batch. Draws the
   * whole order of the epoch; {@link Batches} goes over many steps and draws it once.
   */
  public List<List<Integer>> indices(long step) {
    return indices(step, order(epoch(step)));
  }

  /**
   * Order in which {@code epoch} visits the examples.
   *
   * @return their indices, or nothing for the order of the source
   */
  int[] order(int epoch) {
    return order == Order.SHUFFLED ? Shuffle.permutation(examples, seed, epoch) : new int[0];
  }

  /** The same as {@link #indices(long)} with the {@link #order(int)} of the step's epoch. */
  List<List<Integer>> indices(long step, int[] visited) {
    int first = (int) (step % stepsPerEpoch()) * globalBatch;
    int end = (int) Math.min(examples, (long) first + globalBatch);
    List<List<Integer>> microBatches = new ArrayList<>();
    for (long start = first; start < end; start += microBatch) {
      List<Integer> indices = new ArrayList<>();
      for (int i = (int) start; i < Math.min(end, start + microBatch); i++) {
        indices.add(order == Order.SHUFFLED ? visited[i] : i);
      }
      microBatches.add(List.copyOf(indices));
    }
    return List.copyOf(microBatches);
  }

  /**
   * The examples of {@code step}.
   *
   * @param train the training examples, as many as the plan was made for
   */
  public GlobalBatch batch(long step, List<Example> train) {
    return new Batches(this, train).batch(step);
  }

  private void requireStep(long step) {
    if (step < 0 || step >= steps()) {
      throw new IllegalArgumentException("step " + step + " of a plan of " + steps() + " steps");
    }
  }
}
