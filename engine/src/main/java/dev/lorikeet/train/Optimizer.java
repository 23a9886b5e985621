package dev.lorikeet.train;

import dev.lorikeet.format.TensorData;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.tape.Parameter;
import java.util.List;
import java.util.Map;

/** An update rule over a fixed list of parameters, with the states that it owns. */
public interface Optimizer extends AutoCloseable {

  /** Updates every parameter by its gradient and clears the gradient. */
  void update(double learningRate);

  /**
   * Everything that the next update depends on but parameters and gradients, by name: the number of
   * updates as {@code step}, and of each parameter the states under the names that the rule's
   * origin gives them, as in {@code layers.0.q_proj.lora_A.weight.exp_avg}. The bytes are the
   * optimiser's own until the next update.
   */
  Map<String, TensorData> state();

  /**
   * Takes the place of the optimiser that gave {@code state}.
   *
   * @throws IllegalArgumentException if names, types or shapes are not those of {@link #state()}
   */
  void restore(Map<String, TensorData> state);

  @Override
  void close();

  /** The numbers of an update rule, from which it is made. */
  interface Settings {
    /** The rule at its start, for {@code parameters} in this order. */
    Optimizer start(List<Parameter> parameters, Kernels kernels);

    /** The same rule with another weight decay. */
    Settings withWeightDecay(double weightDecay);
  }
}
