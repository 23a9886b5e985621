package dev.lorikeet.train;

import dev.lorikeet.config.TrainSettings.LossWeighting;
import dev.lorikeet.data.Example;
import dev.lorikeet.data.GlobalBatch;
import dev.lorikeet.data.MicroBatch;
import dev.lorikeet.data.PackedBatch;
import dev.lorikeet.error.RunException;
import dev.lorikeet.format.TensorData;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nn.DropoutKeys;
import dev.lorikeet.nn.PassOptions;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;

/**
 * One worker's optimiser steps: forward and backward over its micro-batches, the sum over workers,
 * clipping and the update. Owns the optimiser's states; model and parameters belong to the caller.
 */
public final class Trainer implements AutoCloseable {
  private final List<Parameter> parameters;
  private final TrainingSetup setup;
  private final GradientClip clip;
  private final Device device;
  private final Collective collective;
  private final LanguageModelLoss loss;
  private final Kernels kernels;
  private final Optimizer optimizer;
  private final Optional<LossScale> lossScale;

  /**
   * A trainer at step 0.
   *
   * @param parameters what is trained: all weights, or an adapter's
   */
  public Trainer(
      CausalLm model,
      List<Parameter> parameters,
      TrainingSetup setup,
      Device device,
      Collective collective) {
    this.parameters = List.copyOf(parameters);
    this.setup = setup;
    this.collective = collective;
    this.device = device;
    kernels = Kernels.of(device);
    clip = new GradientClip(kernels, setup.maxGradNorm());
    loss = new LanguageModelLoss(model, device, setup.lossChunkFloats());
    optimizer = MasterWeights.start(setup.optimizer(), this.parameters, kernels);
    lossScale = setup.lossScaling().map(LossScale::new);
  }

  /**
   * One step over the global batch; every worker gets the same batch and takes its share.
   *
   * @throws RunException if the loss or the gradient is not a number; nothing has been changed then
   */
  public StepReport step(GlobalBatch batch) {
    return switch (attempt(batch, StepLimits.NONE)) {
      case StepReport report -> report;
      case BadStep bad -> throw new RunException(bad.stopMessage());
    };
  }

  /**
   * One step, unless its loss or gradient is not a number or is over a limit: then parameters and
   * optimiser stay as they were.
   */
  public StepResult attempt(GlobalBatch batch, StepLimits limits) {
    long start = System.nanoTime();
    List<MicroBatch> share = share(batch);
    StepNumbers.Read read = accumulate(batch, share);
    List<Tensor> gradients = gradients();
    double meanLoss = collective.sum(weightedLoss(batch, share, read.losses()))[0];
    float factor = lossFactor();
    double norm = Math.sqrt(read.squares()) / factor;
    Optional<BadStep.Cause> cause = cause(limits, meanLoss, norm);
    double rate = setup.learningRate().at(batch.step());
    if (cause.isPresent()) {
      parameters.forEach(Parameter::clearGradient);
    } else {
      if (factor != 1) {
        gradients.forEach(gradient -> kernels.scale(gradient, 1 / factor));
      }
      clip.apply(gradients, norm);
      optimizer.update(rate);
      lossScale.ifPresent(LossScale::stepped);
    }
    StepReport report =
        new StepReport(
            batch.step() + 1,
            meanLoss,
            norm,
            rate,
            batch.labelCount(),
            batch.tokenCount(),
            System.nanoTime() - start);
    return cause.isPresent() ? new BadStep(report, cause.get(), ids(batch)) : report;
  }

  private float lossFactor() {
    return lossScale.map(LossScale::factor).orElse(1f);
  }

  /** What is wrong with a step; an overflow makes the next one's gradients smaller. */
  private Optional<BadStep.Cause> cause(StepLimits limits, double meanLoss, double norm) {
    boolean overflow =
        Double.isFinite(meanLoss)
            && !Double.isFinite(norm)
            && lossScale.map(LossScale::canShrink).orElse(false);
    if (overflow) {
      lossScale.ifPresent(LossScale::overflowed);
      return Optional.of(BadStep.Cause.OVERFLOW);
    }
    return limits.broken(meanLoss, norm);
  }

  /** Adds the gradients of {@code share} and of the other workers; reads what the update needs. */
  private StepNumbers.Read accumulate(GlobalBatch batch, List<MicroBatch> share) {
    try (StepNumbers numbers = new StepNumbers(device, labels(share));
        Tensor squares = numbers.squares()) {
      share.forEach(microBatch -> accumulate(batch, microBatch, numbers));
      collective.sum(gradients());
      clip.measure(gradients(), squares);
      // The only wait for the device: whether the update may be done depends on these numbers.
      return numbers.read();
    }
  }

  private List<Tensor> gradients() {
    return parameters.stream().map(Parameter::gradientToAddTo).toList();
  }

  /** This worker's micro-batches. */
  private List<MicroBatch> share(GlobalBatch batch) {
    List<MicroBatch> all = batch.microBatches();
    return IntStream.iterate(collective.rank(), i -> i < all.size(), i -> i + collective.size())
        .mapToObj(all::get)
        .toList();
  }

  private static int labels(List<MicroBatch> share) {
    return share.stream().mapToInt(MicroBatch::labelCount).sum();
  }

  /** Adds a micro-batch's gradients; its losses are the next of {@code numbers}. */
  private void accumulate(GlobalBatch batch, MicroBatch microBatch, StepNumbers numbers) {
    float weight = (float) tokenWeight(batch, microBatch) * lossFactor();
    DropoutKeys keys = new DropoutKeys(setup.seed(), batch.step() + 1);
    PassOptions options = new PassOptions(Optional.empty(), Optional.of(keys), setup.recompute());
    List<PackedBatch> passes =
        setup.packing()
            ? List.of(microBatch.packed())
            : microBatch.examples().stream().map(Trainer::alone).toList();
    for (PackedBatch pass : passes) {
      try (Tensor losses = numbers.nextLosses(pass.labelCount())) {
        loss.lossesWithGradients(pass, weight, options, losses);
      }
    }
  }

  /** The step's loss as far as it comes from {@code share}, whose losses are in order. */
  private double weightedLoss(GlobalBatch batch, List<MicroBatch> share, float[] losses) {
    double weighted = 0;
    int at = 0;
    for (MicroBatch microBatch : share) {
      double sum = 0;
      for (int end = at + microBatch.labelCount(); at < end; at++) {
        sum += losses[at];
      }
      weighted += sum * tokenWeight(batch, microBatch);
    }
    return weighted;
  }

  /**
   * Times forward and backward over {@code microBatch} as a step does them. Nothing is learned and
   * nothing stays: values and optimiser are not touched, the gradients are zeros again, and dropout
   * masks depend on step and example alone.
   *
   * @param nanoTime tells the time in nanoseconds
   * @return nanoseconds
   */
  public long rehearse(MicroBatch microBatch, LongSupplier nanoTime) {
    long start = nanoTime.getAsLong();
    try (StepNumbers numbers = new StepNumbers(device, microBatch.labelCount())) {
      accumulate(new GlobalBatch(0, 0, List.of(microBatch)), microBatch, numbers);
    }
    device.finish();
    long nanos = nanoTime.getAsLong() - start;
    parameters.forEach(parameter -> parameter.gradient().ifPresent(Tensor::zero));
    return nanos;
  }

  private static PackedBatch alone(Example example) {
    return PackedBatch.of(List.of(example));
  }

  private double tokenWeight(GlobalBatch batch, MicroBatch microBatch) {
    return setup.lossWeighting() == LossWeighting.TOKEN
        ? 1.0 / Math.max(1, batch.labelCount())
        : 1.0 / (Math.max(1, microBatch.labelCount()) * (double) batch.microBatches().size());
  }

  private static List<Long> ids(GlobalBatch batch) {
    return batch.microBatches().stream()
        .flatMap(microBatch -> microBatch.examples().stream())
        .map(Example::id)
        .toList();
  }

  /** Mean loss a labelled token over held-out examples, {@code microBatch} examples at a time. */
  public double validate(List<Example> examples, int microBatch) {
    return evaluate(examples, microBatch).loss();
  }

  /** Loss and accuracy over held-out examples, {@code microBatch} examples at a time. */
  public Evaluation evaluate(List<Example> examples, int microBatch) {
    double sum = 0;
    long labels = 0;
    long correct = 0;
    for (int from = 0; from < examples.size(); from += microBatch) {
      List<Example> part = examples.subList(from, Math.min(examples.size(), from + microBatch));
      LanguageModelLoss.Judged judged = loss.judged(PackedBatch.of(part));
      correct += judged.correct();
      for (float tokenLoss : judged.losses()) {
        sum += tokenLoss;
        labels++;
      }
    }
    return new Evaluation(sum / labels, (double) correct / labels);
  }

  /** What the next update depends on: the optimiser's state, and the loss scale if there is one. */
  public Map<String, TensorData> optimizerState() {
    Map<String, TensorData> state = optimizer.state();
    return lossScale.map(scale -> scale.beside(state)).orElse(state);
  }

  /**
   * Goes on where the optimiser that gave {@code state} stopped.
   *
   * @throws IllegalArgumentException if the state belongs to another optimiser or other parameters
   */
  public void restoreOptimizer(Map<String, TensorData> state) {
    optimizer.restore(lossScale.map(scale -> scale.restore(state)).orElse(state));
  }

  @Override
  public void close() {
    optimizer.close();
  }
}
