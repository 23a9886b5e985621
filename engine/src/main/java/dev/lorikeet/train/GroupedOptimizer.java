package dev.lorikeet.train;

import dev.lorikeet.format.TensorData;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.train.ParameterGroup.Decay;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One update rule over groups of parameters, each with its own learning rate and decay. Its states
 * are those of the rule, whatever the groups.
 */
public final class GroupedOptimizer implements Optimizer {
  private final List<Member> members = new ArrayList<>();

  /**
   * A rule and the groups that it is applied to.
   *
   * @param rule numbers of the rule, with the decay of parameters that are decayed
   * @param groups which group a parameter belongs to
   */
  public record Settings(Optimizer.Settings rule, ParameterGroups groups)
      implements Optimizer.Settings {
    @Override
    public GroupedOptimizer start(List<Parameter> parameters, Kernels kernels) {
      return new GroupedOptimizer(parameters, this, kernels);
    }

    @Override
    public Settings withWeightDecay(double weightDecay) {
      return new Settings(rule.withWeightDecay(weightDecay), groups);
    }

    private Optimizer.Settings of(ParameterGroup group) {
      return group.decay() == Decay.NONE ? rule.withWeightDecay(0) : rule;
    }
  }

  private record Member(double rateFactor, Optimizer optimizer) {}

  /** Starts the rule once for every group; the parameters stay with the caller. */
  public GroupedOptimizer(List<Parameter> parameters, Settings settings, Kernels kernels) {
    Map<ParameterGroup, List<Parameter>> byGroup = new LinkedHashMap<>();
    for (Parameter parameter : parameters) {
      ParameterGroup group = settings.groups().of(parameter);
      byGroup.computeIfAbsent(group, _ -> new ArrayList<>()).add(parameter);
    }
    byGroup.forEach((group, members) ->
        this.members.add(
            new Member(group.rateFactor(), settings.of(group).start(members, kernels))));
  }

  @Override
  public void update(double learningRate) {
    members.forEach(member -> member.optimizer.update(learningRate * member.rateFactor));
  }

  @Override
  public Map<String, TensorData> state() {
    Map<String, TensorData> state = new LinkedHashMap<>();
    members.forEach(member -> state.putAll(member.optimizer.state()));
    return state;
  }

  @Override
  public void restore(Map<String, TensorData> state) {
    Map<String, TensorData> own = state();
    if (!own.keySet().equals(state.keySet())) {
      throw new IllegalArgumentException(
          "states " + state.keySet() + ", but this optimiser has " + own.keySet());
    }
    for (Member member : members) {
      Map<String, TensorData> part = new LinkedHashMap<>(state);
      part.keySet().retainAll(member.optimizer.state().keySet());
      member.optimizer.restore(part);
    }
  }

  @Override
  public void close() {
    members.forEach(member -> member.optimizer.close());
    members.clear();
  }
}
