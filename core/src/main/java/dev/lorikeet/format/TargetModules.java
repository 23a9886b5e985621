package dev.lorikeet.format;

import java.util.List;

/** Which modules an adapter goes on: PEFT's {@code target_modules}. */
public sealed interface TargetModules {

  /** Every linear layer except the output head; written {@code "all-linear"}. */
  record AllLinear() implements TargetModules {}

  /**
   * Modules whose full name is in the list or ends with a dot and one of its items.
   *
   * @param names such as {@code q_proj} or {@code model.layers.0.mlp.up_proj}; at least one
   */
  record Names(List<String> names) implements TargetModules {
    /** Copies the list. */
    public Names {
      names = List.copyOf(names);
      if (names.isEmpty()) {
        throw new IllegalStateException("target_modules names no module");
      }
    }
  }

  /**
   * Modules whose full name matches a regular expression as a whole.
   *
   * @param regex in Python's syntax
   */
  record Expression(String regex) implements TargetModules {}

  /** PEFT's word for {@link AllLinear}. */
  String ALL_LINEAR = "all-linear";

  /** The meaning of a single string in PEFT: "all-linear" in any case, otherwise an expression. */
  static TargetModules parse(String text) {
    return text.equalsIgnoreCase(ALL_LINEAR) ? new AllLinear() : new Expression(text);
  }
}
