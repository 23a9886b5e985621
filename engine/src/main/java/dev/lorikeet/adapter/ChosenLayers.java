package dev.lorikeet.adapter;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.format.TargetModules;
import dev.lorikeet.nn.Weights;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Which weights full fine-tuning trains. A frozen weight has no gradient and no optimiser state,
 * and the backward pass ends where nothing below is trained.
 *
 * <p>A name means the module of that name, every module whose name has these parts in a row, and
 * all that is in them: {@code q_proj}, {@code layers.3}, {@code mlp}, {@code model.norm}. An
 * expression has to match the whole name of a module. A tied head goes with its embedding.
 */
public final class ChosenLayers {

  /** What the chosen modules are. */
  public enum Rule {
    /** They alone are trained. */
    TRAIN,
    /** They alone are not. */
    FREEZE;

    private String key() {
      return this == TRAIN ? "adapter.train" : "adapter.freeze";
    }
  }

  private final Rule rule;
  private final TargetModules modules;
  private final List<String> trained = new ArrayList<>();
  private final List<String> seen = new ArrayList<>();

  /** The modules have names or match an expression. */
  public ChosenLayers(Rule rule, TargetModules modules) {
    this.rule = rule;
    this.modules = modules;
  }

  /** The weights of {@code base}, each trained or frozen by the rule. */
  public Weights over(Weights base) {
    return new Weights() {
      @Override
      public Parameter parameter(String name, String impliedBy, long... shape) {
        Parameter parameter = base.parameter(name, impliedBy, shape);
        String module = module(name);
        seen.add(module);
        boolean trains = chosen(module) == (rule == Rule.TRAIN);
        if (trains) {
          trained.add(module);
        }
        return parameter.as(name, trains ? Training.TRAINABLE : Training.FROZEN);
      }

      @Override
      public Parameter shared(Parameter owner, String name) {
        return base.shared(owner, name);
      }

      @Override
      public boolean contains(String name) {
        return base.contains(name);
      }
    };
  }

  private static String module(String parameter) {
    return parameter.substring(0, parameter.lastIndexOf('.'));
  }

  private boolean chosen(String module) {
    return switch (modules) {
      case TargetModules.AllLinear _ -> true;
      case TargetModules.Names(var names) ->
          names.stream().anyMatch(name -> contains(module, name));
      case TargetModules.Expression(var regex) -> Pattern.matches(regex, module);
    };
  }

  private static boolean contains(String module, String name) {
    return ("." + module + ".").contains("." + name + ".");
  }

  /** Refuses names that no module of the model has, and a choice that leaves nothing to train. */
  public void requireMatch() {
    List<String> unmatched =
        switch (modules) {
          case TargetModules.AllLinear _ -> List.of();
          case TargetModules.Names(var names) ->
              names.stream()
                  .filter(name -> seen.stream().noneMatch(module -> contains(module, name)))
                  .toList();
          case TargetModules.Expression(var regex) ->
              seen.stream().anyMatch(this::chosen) ? List.of() : List.of(regex);
        };
    if (!unmatched.isEmpty()) {
      throw new ConfigException(
          "%s %s: no module of the model has such a name; there are %s, as in %s."
              .formatted(rule.key(), unmatched, Targets.endings(seen), seen.get(seen.size() / 2)));
    }
    if (trained.isEmpty()) {
      throw new ConfigException(
          rule.key() + " leaves nothing to train: it freezes every module of the model.");
    }
  }
}
