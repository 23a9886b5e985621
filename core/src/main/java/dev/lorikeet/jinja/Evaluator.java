package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Expr.Arguments;
import dev.lorikeet.jinja.Expr.Operand;
import dev.lorikeet.jinja.Value.Bool;
import dev.lorikeet.jinja.Value.Callable;
import dev.lorikeet.jinja.Value.Dict;
import dev.lorikeet.jinja.Value.None;
import dev.lorikeet.jinja.Value.Seq;
import dev.lorikeet.jinja.Value.Slice;
import dev.lorikeet.jinja.Value.Str;
import dev.lorikeet.jinja.Value.Undefined;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Computes expressions. */
final class Evaluator {
  private final Execution execution;
  private final Budget budget;
  private final Map<String, Value> variables;
  private int line = 1;

  /**
   * Looks names up in a scope, then in {@code variables}, then among the functions that are always
   * there.
   */
  Evaluator(Execution execution, Map<String, Value> variables) {
    this.execution = execution;
    this.budget = execution.budget();
    this.variables = variables;
  }

  /** The line of what was computed last. */
  int line() {
    return line;
  }

  void at(int newLine) {
    line = newLine;
  }

  Value evaluate(Expr expression, Scope scope) {
    budget.enter();
    line = expression.line();
    Value value =
        switch (expression) {
          case Expr.Const constant -> constant.value();
          case Expr.Name name -> name(name.name(), scope);
          case Expr.ListOf list -> Seq.list(all(list.items(), scope));
          case Expr.TupleOf tuple -> new Seq(Seq.Kind.TUPLE, all(tuple.items(), scope));
          case Expr.DictOf dict -> dict(dict, scope);
          case Expr.Conditional conditional -> conditional(conditional, scope);
          case Expr.Binary binary -> binary(binary, scope);
          case Expr.Unary unary ->
              Operators.unary(unary.operator(), evaluate(unary.operand(), scope), budget);
          case Expr.Not not -> Bool.of(!isTrue(not.operand(), scope));
          case Expr.And and -> {
            Value left = evaluate(and.left(), scope);
            yield Truth.of(left) ? evaluate(and.right(), scope) : left;
          }
          case Expr.Or or -> {
            Value left = evaluate(or.left(), scope);
            yield Truth.of(left) ? left : evaluate(or.right(), scope);
          }
          case Expr.Compare compare -> compare(compare, scope);
          case Expr.Concat concat -> concat(concat, scope);
          case Expr.GetAttr get -> {
            Value owner = evaluate(get.owner(), scope);
            line = get.line();
            yield Attributes.attribute(owner, get.name(), budget);
          }
          case Expr.GetItem get -> item(get, scope);
          case Expr.Part part -> slice(part, scope);
          case Expr.Call call -> call(call, Optional.empty(), scope);
          case Expr.Filter filter -> filter(filter, None.NONE, scope);
          case Expr.Test test -> Bool.of(test(test, scope));
        };
    budget.leave();
    return value;
  }

  boolean isTrue(Expr expression, Scope scope) {
    return Truth.of(evaluate(expression, scope));
  }

  Value name(String name, Scope scope) {
    Optional<Value> local = scope.find(name);
    if (local.isPresent()) {
      return local.get();
    }
    Value variable = variables.get(name);
    return variable != null
        ? variable
        : Functions.find(name).orElseGet(() -> Undefined.of(Repr.quoted(name) + " is undefined"));
  }

  private List<Value> all(List<Expr> expressions, Scope scope) {
    budget.items(expressions.size());
    List<Value> values = new ArrayList<>(expressions.size());
    expressions.forEach(expression -> values.add(evaluate(expression, scope)));
    return values;
  }

  private Value dict(Expr.DictOf written, Scope scope) {
    Dict dict = new Dict();
    for (Expr.Pair pair : written.pairs()) {
      Value key = evaluate(pair.key(), scope);
      dict.put(key, evaluate(pair.value(), scope), budget);
    }
    return dict;
  }

  private Value conditional(Expr.Conditional conditional, Scope scope) {
    if (isTrue(conditional.test(), scope)) {
      return evaluate(conditional.then(), scope);
    }
    return conditional.otherwise().isPresent()
        ? evaluate(conditional.otherwise().get(), scope)
        : Undefined.of(
            "the inline if-expression on line "
                + conditional.line()
                + " evaluated to false and no else section was defined.");
  }

  private Value binary(Expr.Binary binary, Scope scope) {
    Value left = evaluate(binary.left(), scope);
    Value right = evaluate(binary.right(), scope);
    line = binary.line();
    return Operators.binary(binary.operator(), left, right, budget);
  }

  private Value compare(Expr.Compare compare, Scope scope) {
    Value left = evaluate(compare.first(), scope);
    boolean holds = true;
    for (Operand operand : compare.rest()) {
      Value right = evaluate(operand.value(), scope);
      holds = compare(operand.operator(), left, right);
      if (!holds) {
        break;
      }
      left = right;
    }
    return Bool.of(holds);
  }

  private boolean compare(String operator, Value left, Value right) {
    return switch (operator) {
      case "==" -> Comparison.equal(left, right, budget);
      case "!=" -> !Comparison.equal(left, right, budget);
      case "in" -> Comparison.contains(right, left, budget);
      case "not in" -> !Comparison.contains(right, left, budget);
      default -> Comparison.ordered(operator, left, right, budget);
    };
  }

  private Value concat(Expr.Concat concat, Scope scope) {
    StringBuilder text = new StringBuilder();
    for (Expr part : concat.parts()) {
      String piece = Repr.str(evaluate(part, scope), budget);
      budget.text(piece.length());
      budget.fits(text.append(piece).length());
    }
    return Str.of(text.toString());
  }

  private Value item(Expr.GetItem get, Scope scope) {
    Value owner = evaluate(get.owner(), scope);
    Value key = evaluate(get.key(), scope);
    line = get.line();
    return key instanceof Slice slice
        ? Attributes.slice(owner, slice, budget)
        : Attributes.item(owner, key, budget);
  }

  private Value slice(Expr.Part part, Scope scope) {
    return new Slice(
        bound(part.start(), scope), bound(part.stop(), scope), bound(part.step(), scope));
  }

  private Value bound(Optional<Expr> bound, Scope scope) {
    return bound.isPresent() ? evaluate(bound.get(), scope) : None.NONE;
  }

  /** Calls; a block behind a call is handed on as {@code caller}. */
  Value call(Expr.Call call, Optional<Value> caller, Scope scope) {
    Value callee = evaluate(call.callee(), scope);
    Args args = arguments(call.arguments(), scope);
    if (caller.isPresent()) {
      Map<String, Value> named = new LinkedHashMap<>(args.named());
      named.put("caller", caller.get());
      args = new Args(args.positional(), named);
    }
    line = call.line();
    return call(callee, args);
  }

  private Value call(Value callee, Args args) {
    budget.enter();
    Value result =
        switch (callee) {
          case Callable callable -> callable.call(args, execution);
          case Undefined undefined -> throw undefined.error();
          default -> throw PyError.type("'" + callee.typeName() + "' object is not callable");
        };
    budget.leave();
    return result;
  }

  private Args arguments(Arguments written, Scope scope) {
    List<Value> positional = all(written.positional(), scope);
    if (written.star().isPresent()) {
      Value more = evaluate(written.star().get(), scope);
      positional.addAll(Items.list(more, budget));
    }
    Map<String, Value> named = new LinkedHashMap<>();
    for (Expr.Keyword keyword : written.named()) {
      if (named.put(keyword.name(), evaluate(keyword.value(), scope)) != null) {
        throw new PyError(PyError.Kind.SYNTAX, "keyword argument repeated: " + keyword.name());
      }
    }
    if (written.doubleStar().isPresent()) {
      addNamed(evaluate(written.doubleStar().get(), scope), named);
    }
    return new Args(positional, named);
  }

  private void addNamed(Value more, Map<String, Value> named) {
    if (!(more instanceof Dict dict)) {
      throw PyError.type("argument after ** must be a mapping, not " + more.typeName());
    }
    budget.items(dict.size());
    for (Dict.Entry entry : dict.entries()) {
      if (!(entry.key() instanceof Str key)) {
        throw PyError.type("keywords must be strings");
      }
      if (named.put(key.text(), entry.value()) != null) {
        throw PyError.type("got multiple values for keyword argument '" + key.text() + "'");
      }
    }
  }

  /** Applies a filter; one that is written without a subject gets {@code block}. */
  Value filter(Expr.Filter filter, Value block, Scope scope) {
    Value subject;
    if (filter.subject().isEmpty()) {
      subject = block;
    } else if (filter.subject().get() instanceof Expr.Filter inner) {
      budget.enter();
      subject = filter(inner, block, scope);
      budget.leave();
    } else {
      subject = evaluate(filter.subject().get(), scope);
    }
    Args args = arguments(filter.arguments(), scope);
    line = filter.line();
    return Filters.apply(filter.name(), subject, args, execution);
  }

  private boolean test(Expr.Test test, Scope scope) {
    Value subject = evaluate(test.subject(), scope);
    Args args = arguments(test.arguments(), scope);
    line = test.line();
    return Tests.apply(test.name(), subject, args, execution);
  }
}
