package dev.lorikeet.train;

import dev.lorikeet.format.TensorData;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.torch.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * An update rule over weights of two bytes an element. The rule updates float32 copies, and the
 * weights become the copies rounded to nearest: updates smaller than a weight's own steps add up
 * instead of being lost, and the weights that losses are computed with are those that are saved.
 * Owns the copies, which its state holds as {@code NAME.master}.
 *
 * @see <a href="https://arxiv.org/abs/1710.03740">Micikevicius et al. 2018, section 3.1</a>
 */
public final class MasterWeights implements Optimizer {
  private static final String SUFFIX = ".master";

  private final Optimizer rule;
  private final List<Copy> copies;

  /** A weight and its master, which share their gradient. */
  private record Copy(Parameter weight, Parameter master) {}

  private MasterWeights(Optimizer rule, List<Copy> copies) {
    this.rule = rule;
    this.copies = copies;
  }

  /** The rule by {@code settings}, with masters for those parameters that need them. */
  public static Optimizer start(
      Optimizer.Settings settings, List<Parameter> parameters, Kernels kernels) {
    List<Parameter> updated = new ArrayList<>();
    List<Copy> copies = new ArrayList<>();
    for (Parameter parameter : parameters) {
      if (parameter.value().dtype().isHalf()) {
        Parameter master = parameter.inForm(parameter.value().asFloats());
        copies.add(new Copy(parameter, master));
        updated.add(master);
      } else {
        updated.add(parameter);
      }
    }
    Optimizer rule = settings.start(updated, kernels);
    return copies.isEmpty() ? rule : new MasterWeights(rule, copies);
  }

  @Override
  public void update(double learningRate) {
    rule.update(learningRate);
    copies.forEach(copy -> copy.weight.value().roundFrom(copy.master.value()));
  }

  @Override
  public Map<String, TensorData> state() {
    Map<String, TensorData> state = new LinkedHashMap<>(rule.state());
    Map<String, TensorData> masters = OptimizerState.of(0, tensors());
    tensors().keySet().forEach(name -> state.put(name, masters.get(name)));
    return state;
  }

  @Override
  public void restore(Map<String, TensorData> state) {
    Map<String, TensorData> ofRule = new LinkedHashMap<>(state);
    ofRule.keySet().removeAll(tensors().keySet());
    Map<String, TensorData> ofMasters = new LinkedHashMap<>(state);
    ofMasters.keySet().retainAll(OptimizerState.of(0, tensors()).keySet());
    OptimizerState.into(tensors(), ofMasters);
    rule.restore(ofRule);
  }

  private Map<String, Tensor> tensors() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    copies.forEach(copy -> tensors.put(copy.weight.name() + SUFFIX, copy.master.value()));
    return tensors;
  }

  @Override
  public void close() {
    rule.close();
    copies.forEach(copy -> copy.master.close());
  }
}
