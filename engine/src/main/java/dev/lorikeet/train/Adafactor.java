package dev.lorikeet.train;

import dev.lorikeet.format.TensorData;
import dev.lorikeet.kernel.AdafactorStep;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.kernel.UpdateKernels;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.torch.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Adafactor without its own learning rate: as transformers' with scale_parameter, relative_step and
 * warmup_init false and without a mean of gradients. Owns a mean square of every row and every
 * column of a matrix, and of every element of anything else.
 *
 * @see <a href="https://arxiv.org/abs/1804.04235">Shazeer and Stern 2018, algorithms 4 and 5</a>
 */
public final class Adafactor implements Optimizer {
  private final UpdateKernels kernels;
  private final Settings settings;
  private final List<State> states = new ArrayList<>();
  private long step;

  /**
   * Settings that stay the same for all steps.
   *
   * @param weightDecay decoupled decay
   */
  public record Settings(double weightDecay) implements Optimizer.Settings {

    @Override
    public Settings withWeightDecay(double other) {
      return new Settings(other);
    }

    @Override
    public Adafactor start(List<Parameter> parameters, Kernels kernels) {
      return new Adafactor(parameters, this, kernels);
    }
  }

  /** The states of a parameter: all of it or its rows first, the columns of a matrix second. */
  private record State(Parameter parameter, Tensor square, Optional<Tensor> columnSquare) {
    static State of(Parameter parameter) {
      Tensor value = parameter.value();
      return value.rank() == 2
          ? new State(
              parameter,
              value.device().zeros(value.size(0)),
              Optional.of(value.device().zeros(value.size(1))))
          : new State(parameter, value.emptyLike().zero(), Optional.empty());
    }

    void close() {
      square.close();
      columnSquare.ifPresent(Tensor::close);
    }
  }

  /** Starts with states of zero; the parameters stay with the caller. */
  public Adafactor(List<Parameter> parameters, Settings settings, Kernels kernels) {
    this.kernels = kernels.updates();
    this.settings = settings;
    for (Parameter parameter : parameters) {
      states.add(State.of(parameter));
    }
  }

  @Override
  public void update(double learningRate) {
    step++;
    AdafactorStep numbers = new AdafactorStep(learningRate, settings.weightDecay(), step);
    for (State state : states) {
      Tensor value = state.parameter.value();
      Tensor gradient = state.parameter.gradientToAddTo();
      if (state.columnSquare.isPresent()) {
        kernels.adafactor(value, gradient, state.square, state.columnSquare.get(), numbers);
      } else {
        kernels.adafactor(value, gradient, state.square, numbers);
      }
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
      String name = state.parameter.name() + ".exp_avg_sq";
      if (state.columnSquare.isPresent()) {
        tensors.put(name + "_row", state.square);
        tensors.put(name + "_col", state.columnSquare.get());
      } else {
        tensors.put(name, state.square);
      }
    }
    return tensors;
  }

  @Override
  public void close() {
    states.forEach(State::close);
    states.clear();
  }
}
