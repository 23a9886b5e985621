package dev.lorikeet.jinja;

import java.util.List;
import java.util.Optional;

/** A statement; {@code line} is where it stands. */
sealed interface Node {
  int line();

  record Data(String text, int line) implements Node {}

  record Print(Expr value, int line) implements Node {}

  record For(
      Target target,
      Expr items,
      Optional<Expr> test,
      boolean isRecursive,
      List<Node> body,
      List<Node> otherwise,
      int line)
      implements Node {}

  /** {@code if} and its {@code elif}s, and what is left. */
  record If(List<Branch> branches, List<Node> otherwise, int line) implements Node {}

  record Branch(Expr test, List<Node> body) {}

  record Assign(Target target, Expr value, int line) implements Node {}

  /** {@code {% set x | filter %}body{% endset %}}. */
  record AssignBlock(Target target, Optional<Expr> filter, List<Node> body, int line)
      implements Node {}

  record MacroDefinition(String name, Signature signature, List<Node> body, int line)
      implements Node {}

  /** {@code {% call(parameters) callee(...) %}body{% endcall %}}. */
  record CallBlock(Signature signature, Expr.Call call, List<Node> body, int line)
      implements Node {}

  record FilterBlock(Expr filter, List<Node> body, int line) implements Node {}

  record With(List<Target> targets, List<Expr> values, List<Node> body, int line) implements Node {}

  record Block(String name, boolean isScoped, List<Node> body, int line) implements Node {}

  /** What the assistant says, as transformers marks it. */
  record Generation(List<Node> body, int line) implements Node {}

  record Break(int line) implements Node {}

  record Continue(int line) implements Node {}

  /** Parameters; the last of them have the defaults. */
  record Signature(List<String> parameters, List<Expr> defaults) {
    static final Signature EMPTY = new Signature(List.of(), List.of());

    /** The default of the parameter at {@code index}. */
    Optional<Expr> defaultOf(int index) {
      int at = index - (parameters.size() - defaults.size());
      return at < 0 ? Optional.empty() : Optional.of(defaults.get(at));
    }
  }

  /** What can be assigned to. */
  sealed interface Target {
    record ToName(String name) implements Target {}

    /** {@code namespace.attribute}. */
    record ToAttribute(String namespace, String attribute) implements Target {}

    record ToTuple(List<Target> targets) implements Target {}
  }
}
