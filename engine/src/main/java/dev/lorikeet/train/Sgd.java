package dev.lorikeet.train;

import dev.lorikeet.format.TensorData;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.kernel.SgdStep;
import dev.lorikeet.kernel.SgdStep.Direction;
import dev.lorikeet.kernel.UpdateKernels;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.torch.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Gradient descent with torch's meaning of every number and dampening 0: weight decay is part of
 * the gradient. Owns a state of each parameter's size if there is momentum, else none.
 *
 * @see <a href="https://proceedings.mlr.press/v28/sutskever13.html">Sutskever et al. 2013</a>
 */
public final class Sgd implements Optimizer {
  private final UpdateKernels kernels;
  private final Settings settings;
  private final List<State> states = new ArrayList<>();
  private long step;

  /**
   * Settings that stay the same for all steps.
   *
   * @param momentum share of the last direction that stays, at least 0 and below 1
   * @param direction where a step with momentum goes
   * @param weightDecay share of the parameter that is added to its gradient
   */
  public record Settings(double momentum, Direction direction, double weightDecay)
      implements Optimizer.Settings {
    /** Along the gradient alone. */
    public static Settings plain(double weightDecay) {
      return new Settings(0, Direction.MOMENTUM, weightDecay);
    }

    @Override
    public Settings withWeightDecay(double other) {
      return new Settings(momentum, direction, other);
    }

    @Override
    public Sgd start(List<Parameter> parameters, Kernels kernels) {
      return new Sgd(parameters, this, kernels);
    }
  }

  private record State(Parameter parameter, Optional<Tensor> momentum) {
    void close() {
      momentum.ifPresent(Tensor::close);
    }
  }

  /** Starts with states of zero; the parameters stay with the caller. */
  public Sgd(List<Parameter> parameters, Settings settings, Kernels kernels) {
    this.kernels = kernels.updates();
    this.settings = settings;
    for (Parameter parameter : parameters) {
      states.add(new State(parameter, momentum(parameter)));
    }
  }

  @Override
  public void update(double learningRate) {
    step++;
    SgdStep numbers =
        new SgdStep(
            learningRate, settings.momentum(), settings.direction(), settings.weightDecay());
    for (State state : states) {
      Tensor value = state.parameter.value();
      Tensor gradient = state.parameter.gradientToAddTo();
      if (state.momentum.isPresent()) {
        kernels.sgd(value, gradient, state.momentum.get(), numbers);
      } else {
        kernels.sgd(value, gradient, numbers);
      }
      state.parameter.clearGradient();
    }
  }

  private Optional<Tensor> momentum(Parameter parameter) {
    return settings.momentum() == 0
        ? Optional.empty()
        : Optional.of(parameter.value().emptyLike().zero());
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
      String name = state.parameter.name() + ".momentum_buffer";
      state.momentum.ifPresent(tensor -> tensors.put(name, tensor));
    }
    return tensors;
  }

  @Override
  public void close() {
    states.forEach(State::close);
    states.clear();
  }
}
