package dev.lorikeet.train;

import dev.lorikeet.format.TensorData;
import dev.lorikeet.kernel.AdamWStep;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.kernel.QuantizedMoments;
import dev.lorikeet.kernel.UpdateKernels;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.torch.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * AdamW with states of 8 bits an element in blocks of 256, as bitsandbytes stores them: see {@link
 * QuantizedMoments}. Parameters of fewer than {@value #SMALLEST} elements keep float32 states, as
 * there. But for the rounding of states every number is that of {@link AdamW}: the decay comes
 * before the step as in torch, while bitsandbytes decays what the step has reached.
 *
 * @see <a href="https://arxiv.org/abs/2110.02861">Dettmers et al. 2022, section 2</a>
 */
public final class AdamW8bit implements Optimizer {
  /** Elements from which on a parameter has states of 8 bits. */
  public static final int SMALLEST = 4096;

  private final UpdateKernels kernels;
  private final AdamW.Settings settings;
  private final List<State> states = new ArrayList<>();
  private long step;

  private sealed interface State {
    Parameter parameter();

    void close();
  }

  private record Small(Parameter parameter, Tensor mean, Tensor square) implements State {
    @Override
    public void close() {
      mean.close();
      square.close();
    }
  }

  private record Large(Parameter parameter, QuantizedMoments moments) implements State {
    @Override
    public void close() {
      moments.close();
    }
  }

  /** Starts with states of zero; the parameters stay with the caller. */
  AdamW8bit(List<Parameter> parameters, AdamW.Settings settings, Kernels kernels) {
    this.kernels = kernels.updates();
    this.settings = settings;
    for (Parameter parameter : parameters) {
      states.add(state(parameter));
    }
  }

  @Override
  public void update(double learningRate) {
    step++;
    AdamWStep numbers = settings.step(learningRate, step);
    for (State state : states) {
      Tensor value = state.parameter().value();
      Tensor gradient = state.parameter().gradientToAddTo();
      switch (state) {
        case Small small -> kernels.adamW(value, gradient, small.mean, small.square, numbers);
        case Large large -> kernels.adamW(value, gradient, large.moments, numbers);
      }
      state.parameter().clearGradient();
    }
  }

  private static State state(Parameter parameter) {
    Tensor value = parameter.value();
    return value.elements() < SMALLEST
        ? new Small(parameter, value.emptyLike().zero(), value.emptyLike().zero())
        : new Large(parameter, QuantizedMoments.zeros(value.device(), value.elements()));
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
      String name = state.parameter().name();
      switch (state) {
        case Small small -> {
          tensors.put(name + ".state1", small.mean);
          tensors.put(name + ".state2", small.square);
        }
        case Large(_, QuantizedMoments moments) -> {
          tensors.put(name + ".state1", moments.mean());
          tensors.put(name + ".absmax1", moments.meanMax());
          tensors.put(name + ".state2", moments.square());
          tensors.put(name + ".absmax2", moments.squareMax());
        }
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
