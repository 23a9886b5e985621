package dev.lorikeet.train;

import dev.lorikeet.format.TensorData;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.kernel.LionStep;
import dev.lorikeet.kernel.UpdateKernels;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.torch.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Lion: every value moves by the learning rate in the direction of the sign of a mean of gradients.
 * Owns one state of each parameter's size.
 *
 * @see <a href="https://arxiv.org/abs/2302.06675">Chen et al. 2023, algorithm 2</a>
 */
public final class Lion implements Optimizer {
  private final UpdateKernels kernels;
  private final Settings settings;
  private final List<State> states = new ArrayList<>();
  private long step;

  /**
   * Settings that stay the same for all steps.
   *
   * @param beta1 share of the mean in the direction
   * @param beta2 decay of the mean
   * @param weightDecay decoupled decay
   */
  public record Settings(double beta1, double beta2, double weightDecay)
      implements Optimizer.Settings {
    /** The paper's β₁ 0.9 and β₂ 0.99. */
    public static Settings withDecay(double weightDecay) {
      return new Settings(0.9, 0.99, weightDecay);
    }

    @Override
    public Settings withWeightDecay(double other) {
      return new Settings(beta1, beta2, other);
    }

    @Override
    public Lion start(List<Parameter> parameters, Kernels kernels) {
      return new Lion(parameters, this, kernels);
    }
  }

  private record State(Parameter parameter, Tensor mean) {
    void close() {
      mean.close();
    }
  }

  /** Starts with states of zero; the parameters stay with the caller. */
  public Lion(List<Parameter> parameters, Settings settings, Kernels kernels) {
    this.kernels = kernels.updates();
    this.settings = settings;
    for (Parameter parameter : parameters) {
      states.add(new State(parameter, parameter.value().emptyLike().zero()));
    }
  }

  @Override
  public void update(double learningRate) {
    step++;
    LionStep numbers =
        new LionStep(learningRate, settings.beta1(), settings.beta2(), settings.weightDecay());
    for (State state : states) {
      kernels.lion(state.parameter.value(), state.parameter.gradientToAddTo(), state.mean, numbers);
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
    }
    return tensors;
  }

  @Override
  public void close() {
    states.forEach(State::close);
    states.clear();
  }
}
