package dev.lorikeet.train;

import dev.lorikeet.format.TensorData;
import dev.lorikeet.kernel.AdamWStep;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.kernel.UpdateKernels;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.torch.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * AdamW with torch's meaning of every number. Owns two states of each parameter's size.
 *
 * @see <a href="https://arxiv.org/abs/1711.05101">Loshchilov and Hutter 2019</a>
 */
public final class AdamW implements Optimizer {
  private final UpdateKernels kernels;
  private final Settings settings;
  private final List<State> states = new ArrayList<>();
  private long step;

  /** How an optimiser holds its two means of each value. */
  public enum States {
    /** float32: {@link AdamW}. */
    FLOAT32,
    /** One byte and a share of a block's scale: {@link AdamW8bit}. */
    BITS_8
  }

  /**
   * Settings that stay the same for all steps; torch's defaults but for the decay.
   *
   * @param beta1 decay of the mean of gradients
   * @param beta2 decay of the mean of squares
   * @param epsilon added to the root
   * @param weightDecay decoupled decay
   * @param states how the means are held
   */
  public record Settings(
      double beta1, double beta2, double epsilon, double weightDecay, States states)
      implements Optimizer.Settings {
    /** With means in float32. */
    public Settings(double beta1, double beta2, double epsilon, double weightDecay) {
      this(beta1, beta2, epsilon, weightDecay, States.FLOAT32);
    }

    /** β₁ 0.9, β₂ 0.999, ε 1e-8. */
    public static Settings withDecay(double weightDecay) {
      return new Settings(0.9, 0.999, 1e-8, weightDecay);
    }

    /** The same numbers with other states. */
    public Settings withStates(States other) {
      return new Settings(beta1, beta2, epsilon, weightDecay, other);
    }

    @Override
    public Settings withWeightDecay(double other) {
      return new Settings(beta1, beta2, epsilon, other, states);
    }

    @Override
    public Optimizer start(List<Parameter> parameters, Kernels kernels) {
      return switch (states) {
        case FLOAT32 -> new AdamW(parameters, this, kernels);
        case BITS_8 -> new AdamW8bit(parameters, this, kernels);
      };
    }

    /** Numbers of the {@code step}-th update, from 1. */
    AdamWStep step(double learningRate, long step) {
      return new AdamWStep(learningRate, beta1, beta2, epsilon, weightDecay, step);
    }
  }

  private record State(Parameter parameter, Tensor mean, Tensor square) {}

  /** Starts with states of zero; the parameters stay with the caller. */
  AdamW(List<Parameter> parameters, Settings settings, Kernels kernels) {
    this.kernels = kernels.updates();
    this.settings = settings;
    for (Parameter parameter : parameters) {
      states.add(
          new State(
              parameter,
              parameter.value().emptyLike().zero(),
              parameter.value().emptyLike().zero()));
    }
  }

  @Override
  public void update(double learningRate) {
    step++;
    AdamWStep numbers = settings.step(learningRate, step);
    for (State state : states) {
      kernels.adamW(
          state.parameter.value(),
          state.parameter.gradientToAddTo(),
          state.mean,
          state.square,
          numbers);
      state.parameter.clearGradient();
    }
  }

  @Override
  public Map<String, TensorData> state() {
    return OptimizerState.of(step, tensors());
  }

  @Override
  public void restore(Map<String, TensorData> state) {
    step = OptimizerState.into(tensors(), state);
  }

  private Map<String, Tensor> tensors() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (State state : states) {
      tensors.put(state.parameter.name() + ".exp_avg", state.mean);
      tensors.put(state.parameter.name() + ".exp_avg_sq", state.square);
    }
    return tensors;
  }

  @Override
  public void close() {
    for (State state : states) {
      state.mean.close();
      state.square.close();
    }
    states.clear();
  }
}
