package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Expr.Arguments;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The expressions directly inside an expression. */
final class Parts {
  private Parts() {}

  static List<Expr> of(Expr expression) {
    List<Expr> parts = new ArrayList<>();
    switch (expression) {
      case Expr.Const _, Expr.Name _ -> {}
      case Expr.ListOf list -> parts.addAll(list.items());
      case Expr.TupleOf tuple -> parts.addAll(tuple.items());
      case Expr.DictOf dict ->
          dict.pairs().forEach(pair -> parts.addAll(List.of(pair.key(), pair.value())));
      case Expr.Conditional choice -> {
        parts.addAll(List.of(choice.test(), choice.then()));
        choice.otherwise().ifPresent(parts::add);
      }
      case Expr.Binary binary -> parts.addAll(List.of(binary.left(), binary.right()));
      case Expr.Unary unary -> parts.add(unary.operand());
      case Expr.Not not -> parts.add(not.operand());
      case Expr.And and -> parts.addAll(List.of(and.left(), and.right()));
      case Expr.Or or -> parts.addAll(List.of(or.left(), or.right()));
      case Expr.Compare compare -> {
        parts.add(compare.first());
        compare.rest().forEach(operand -> parts.add(operand.value()));
      }
      case Expr.Concat concat -> parts.addAll(concat.parts());
      case Expr.GetAttr get -> parts.add(get.owner());
      case Expr.GetItem get -> parts.addAll(List.of(get.owner(), get.key()));
      case Expr.Part part ->
          Stream.of(part.start(), part.stop(), part.step())
              .forEach(bound -> bound.ifPresent(parts::add));

      case Expr.Call call -> add(Optional.of(call.callee()), call.arguments(), parts);
      case Expr.Filter filter -> add(filter.subject(), filter.arguments(), parts);
      case Expr.Test test -> add(Optional.of(test.subject()), test.arguments(), parts);
    }
    return parts;
  }

  private static void add(Optional<Expr> subject, Arguments arguments, List<Expr> parts) {
    subject.ifPresent(parts::add);

    parts.addAll(arguments.positional());
    arguments.named().forEach(keyword -> parts.add(keyword.value()));
    arguments.star().ifPresent(parts::add);
    arguments.doubleStar().ifPresent(parts::add);
  }
}
