package dev.lorikeet.config;

import java.util.List;
import java.util.Set;

/** Some modules of a model, as a recipe names them. */
public sealed interface ModuleSelection {

  /** Every linear layer but the output head, as in PEFT. */
  String ALL_LINEAR = "all-linear";

  /** Texts that stand for a part of every model; any other single text is an expression. */
  Set<String> PRESETS = Set.of(ALL_LINEAR, "attention", "mlp", "qv");

  /**
   * Names of modules, or their last parts.
   *
   * @param names in the order of the recipe
   */
  record Names(List<String> names) implements ModuleSelection {
    public Names {
      names = List.copyOf(names);
    }
  }

  /**
   * A single text.
   *
   * @param text one of {@link #PRESETS} where these are offered, otherwise a regular expression
   *     that has to match a whole name
   */
  record Text(String text) implements ModuleSelection {
    /** Whether the text is one of {@link #PRESETS}. */
    public boolean preset() {
      return PRESETS.contains(text);
    }
  }

  /** The list of one text that is {@value #ALL_LINEAR} means the same as the text. */
  static ModuleSelection of(List<String> names) {
    return names.equals(List.of(ALL_LINEAR)) ? new Text(ALL_LINEAR) : new Names(names);
  }

  /** The selection in one line, for a person. */
  default String words() {
    return switch (this) {
      case Names(List<String> names) -> String.join(", ", names);
      case Text(String text) -> text;
    };
  }
}
