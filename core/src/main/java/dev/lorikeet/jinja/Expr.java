package dev.lorikeet.jinja;

import java.util.List;
import java.util.Optional;

/** An expression; {@code line} is where it stands. */
sealed interface Expr {
  int line();

  record Const(Value value, int line) implements Expr {}

  record Name(String name, int line) implements Expr {}

  record ListOf(List<Expr> items, int line) implements Expr {}

  record TupleOf(List<Expr> items, int line) implements Expr {}

  record DictOf(List<Pair> pairs, int line) implements Expr {}

  record Pair(Expr key, Expr value) {}

  /** {@code then if test else otherwise}. */
  record Conditional(Expr test, Expr then, Optional<Expr> otherwise, int line) implements Expr {}

  /** Arithmetic: + - * / // % **. */
  record Binary(String operator, Expr left, Expr right, int line) implements Expr {}

  /** + or -. */
  record Unary(String operator, Expr operand, int line) implements Expr {}

  record Not(Expr operand, int line) implements Expr {}

  record And(Expr left, Expr right, int line) implements Expr {}

  record Or(Expr left, Expr right, int line) implements Expr {}

  /** {@code first < second <= third}: each is compared with the next one. */
  record Compare(Expr first, List<Operand> rest, int line) implements Expr {}

  /** One comparison: ==, !=, <, <=, >, >=, in or "not in". */
  record Operand(String operator, Expr value) {}

  /** {@code a ~ b ~ c}. */
  record Concat(List<Expr> parts, int line) implements Expr {}

  record GetAttr(Expr owner, String name, int line) implements Expr {}

  record GetItem(Expr owner, Expr key, int line) implements Expr {}

  record Part(Optional<Expr> start, Optional<Expr> stop, Optional<Expr> step, int line)
      implements Expr {}

  record Call(Expr callee, Arguments arguments, int line) implements Expr {}

  /** {@code subject | name(arguments)}; a filter of a block has no subject. */
  record Filter(Optional<Expr> subject, String name, Arguments arguments, int line)
      implements Expr {}

  /** {@code subject is name(arguments)}. */
  record Test(Expr subject, String name, Arguments arguments, int line) implements Expr {}

  /** Arguments as they are written; {@code star} and {@code doubleStar} are unpacked. */
  record Arguments(
      List<Expr> positional, List<Keyword> named, Optional<Expr> star, Optional<Expr> doubleStar) {
    static final Arguments NONE =
        new Arguments(List.of(), List.of(), Optional.empty(), Optional.empty());
  }

  record Keyword(String name, Expr value) {}
}
