package dev.lorikeet.adapter;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.format.TargetModules;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** Which linear maps an adapter goes on, by PEFT's rules. */
public record Targets(TargetModules modules) {
  private static final String HEAD = "lm_head";

  /** Every linear map but the output head. */
  public static Targets allLinear() {
    return new Targets(new TargetModules.AllLinear());
  }

  /** The recipe's list: {@code all-linear} alone, or names and name endings. */
  public static Targets of(List<String> names) {
    return names.equals(List.of(TargetModules.ALL_LINEAR))
        ? allLinear()
        : new Targets(new TargetModules.Names(names));
  }

  /** Whether the module {@code name} is adapted. */
  public boolean matches(String name) {
    return switch (modules) {
      case TargetModules.AllLinear _ -> !name.equals(HEAD);
      case TargetModules.Names(var names) ->
          names.stream().anyMatch(target -> name.equals(target) || name.endsWith("." + target));
      case TargetModules.Expression(var regex) -> Pattern.matches(regex, name);
    };
  }

  /**
   * Refuses targets that match none of {@code names}, and lists the endings that there are.
   *
   * @param names all linear maps of the model
   */
  public void requireMatch(List<String> names) {
    TreeSet<String> endings = new TreeSet<>();
    names.forEach(name -> endings.add(name.substring(name.lastIndexOf('.') + 1)));
    List<String> unmatched =
        switch (modules) {
          case TargetModules.Names(var targets) ->
              targets.stream()
                  .filter(t -> names.stream().noneMatch(n -> n.equals(t) || n.endsWith("." + t)))
                  .toList();
          case TargetModules.AllLinear all ->
              names.stream().anyMatch(this::matches) ? List.of() : List.of(all.toString());
          case TargetModules.Expression(var regex) ->
              names.stream().anyMatch(this::matches) ? List.of() : List.of(regex);
        };
    if (!unmatched.isEmpty()) {
      throw new ConfigException(
          "adapter.target_modules %s: no linear module of the model has this name or ending; there are %s."
              .formatted(unmatched, endings));
    }
  }
}
