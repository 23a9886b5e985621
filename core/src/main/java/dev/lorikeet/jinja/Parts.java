package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Expr.Arguments;
import java.util.ArrayList;
import java.util.List;

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
      case Expr.Conditional conditional -> {
        parts.addAll(List.of(conditional.test(), conditional.then()));
        conditional.otherwise().ifPresent(parts::add);
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
      case Expr.Part part -> {
        part.start().ifPresent(parts::add);
        part.stop().ifPresent(parts::add);
        part.step().ifPresent(parts::add);
      }
      case Expr.Call call -> {
        parts.add(call.callee());
        add(call.arguments(), parts);
      }
      case Expr.Filter filter -> {
        filter.subject().ifPresent(parts::add);
        add(filter.arguments(), parts);
      }
      case Expr.Test test -> {
        parts.add(test.subject());
        add(test.arguments(), parts);
      }
    }
    return parts;
  }

  private static void add(Arguments arguments, List<Expr> parts) {
    parts.addAll(arguments.positional());
    arguments.named().forEach(keyword -> parts.add(keyword.value()));
    arguments.star().ifPresent(parts::add);
    arguments.doubleStar().ifPresent(parts::add);
  }
}
