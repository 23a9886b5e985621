package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Expr.Operand;
import dev.lorikeet.jinja.Token.Kind;
import dev.lorikeet.jinja.Tokens.Chain;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/** Reads expressions with the precedence of jinja2's parser, method by method. */
final class ExpressionParser {
  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

  private final Tokens tokens;
  private final PrimaryParser primaries;

  ExpressionParser(Tokens tokens) {
    this.tokens = tokens;
    this.primaries = new PrimaryParser(tokens, this);
  }

  PrimaryParser primaries() {
    return primaries;
  }

  /** An expression, a conditional one included. */
  Expr expression() {
    tokens.enter();
    int line = tokens.line();
    Expr value = or();
    Chain chain = new Chain(tokens);
    while (tokens.skipName("if")) {
      chain.grow();
      Expr test = or();
      Optional<Expr> otherwise =
          tokens.skipName("else") ? Optional.of(expression()) : Optional.empty();
      value = new Expr.Conditional(test, value, otherwise, line);
      line = tokens.line();
    }
    tokens.leave();
    return value;
  }

  /** One expression, or several with commas between them, which are a tuple. */
  Expr tuple(boolean withConditional, String endName) {
    Supplier<Expr> part = withConditional ? this::expression : this::or;
    int line = tokens.line();
    List<Expr> items = new ArrayList<>();
    boolean isTuple = false;
    while (true) {
      if (!items.isEmpty()) {
        tokens.expectOperator(",");
      }
      if (isTupleEnd(endName)) {
        break;
      }
      items.add(part.get());
      if (!tokens.isOperator(",")) {
        break;
      }
      isTuple = true;
      line = tokens.line();
    }
    if (!isTuple) {
      if (items.isEmpty()) {
        throw tokens.failure(
            "Expected an expression, got '" + tokens.current().words() + "'", tokens.line());
      }
      return items.getFirst();
    }
    return new Expr.TupleOf(items, line);
  }

  boolean isTupleEnd(String endName) {
    return tokens.isAt(Kind.VARIABLE_END)
        || tokens.isAt(Kind.BLOCK_END)
        || tokens.isOperator(")")
        || (!endName.isEmpty() && tokens.isName(endName));
  }

  private Expr or() {
    int line = tokens.line();
    Expr left = and();
    Chain chain = new Chain(tokens);
    while (tokens.skipName("or")) {
      chain.grow();
      left = new Expr.Or(left, and(), line);
    }
    return left;
  }

  private Expr and() {
    int line = tokens.line();
    Expr left = not();
    Chain chain = new Chain(tokens);
    while (tokens.skipName("and")) {
      chain.grow();
      left = new Expr.And(left, not(), line);
    }
    return left;
  }

  private Expr not() {
    if (!tokens.isName("not")) {
      return compare();
    }
    tokens.enter();
    int line = tokens.next().line();
    Expr not = new Expr.Not(not(), line);
    tokens.leave();
    return not;
  }

  private Expr compare() {
    int line = tokens.line();
    Expr first = sum();
    List<Operand> rest = new ArrayList<>();
    while (true) {
      Token token = tokens.current();
      if (token.kind() == Kind.OPERATOR && COMPARISONS.contains(token.text())) {
        tokens.next();
        rest.add(new Operand(token.text(), sum()));
      } else if (tokens.skipName("in")) {
        rest.add(new Operand("in", sum()));
      } else if (tokens.isName("not") && tokens.ahead().isName("in")) {
        tokens.next();
        tokens.next();
        rest.add(new Operand("not in", sum()));
      } else {
        return rest.isEmpty() ? first : new Expr.Compare(first, rest, line);
      }
    }
  }

  private Expr sum() {
    return binary(this::concat, "+", "-");
  }

  private Expr concat() {
    int line = tokens.line();
    List<Expr> parts = new ArrayList<>(List.of(product()));
    while (tokens.skipOperator("~")) {
      parts.add(product());
    }
    return parts.size() == 1 ? parts.getFirst() : new Expr.Concat(parts, line);
  }

  private Expr product() {
    return binary(this::power, "*", "/", "//", "%");
  }

  /** As in jinja2 and unlike Python, {@code a ** b ** c} goes from left to right. */
  private Expr power() {
    return binary(this::unary, "**");
  }

  private Expr binary(Supplier<Expr> operand, String... operators) {
    int line = tokens.line();
    Expr left = operand.get();
    Chain chain = new Chain(tokens);
    while (tokens.isAt(Kind.OPERATOR) && List.of(operators).contains(tokens.current().text())) {
      chain.grow();
      String operator = tokens.next().text();
      left = new Expr.Binary(operator, left, operand.get(), line);
      line = tokens.line();
    }
    return left;
  }

  private Expr unary() {
    return primaries.filtered(bareUnary());
  }

  private Expr bareUnary() {
    int line = tokens.line();
    Expr value;
    if (tokens.isOperator("-") || tokens.isOperator("+")) {
      tokens.enter();
      String operator = tokens.next().text();
      value = new Expr.Unary(operator, bareUnary(), line);
      tokens.leave();
    } else {
      value = primaries.primary();
    }
    return primaries.postfix(value);
  }
}
