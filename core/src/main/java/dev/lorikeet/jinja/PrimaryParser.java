package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Expr.Arguments;
import dev.lorikeet.jinja.Expr.Keyword;
import dev.lorikeet.jinja.Token.Kind;
import dev.lorikeet.jinja.Tokens.Chain;
import dev.lorikeet.jinja.Value.Bool;
import dev.lorikeet.jinja.Value.Int;
import dev.lorikeet.jinja.Value.None;
import dev.lorikeet.jinja.Value.Real;
import dev.lorikeet.jinja.Value.Str;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Reads names, literals, and what stands behind them: keys, calls, filters and tests. */
final class PrimaryParser {
  private final Tokens tokens;
  private final ExpressionParser expressions;

  PrimaryParser(Tokens tokens, ExpressionParser expressions) {
    this.tokens = tokens;
    this.expressions = expressions;
  }

  Expr primary() {
    Token token = tokens.current();
    int line = token.line();
    return switch (token.kind()) {
      case NAME -> {
        tokens.next();
        yield name(token.text(), line);
      }
      case STRING -> {
        StringBuilder text = new StringBuilder();
        while (tokens.isAt(Kind.STRING)) {
          text.append(tokens.next().text());
        }
        yield new Expr.Const(Str.of(text.toString()), line);
      }
      case INTEGER -> new Expr.Const(new Int(integer(tokens.next())), line);
      case FLOAT -> new Expr.Const(new Real(Double.parseDouble(tokens.next().text())), line);
      case OPERATOR -> bracketed(token);
      default -> throw tokens.failure("unexpected '" + token.words() + "'", line);
    };
  }

  static Expr name(String name, int line) {
    return switch (name) {
      case "true", "True" -> new Expr.Const(Bool.TRUE, line);
      case "false", "False" -> new Expr.Const(Bool.FALSE, line);
      case "none", "None" -> new Expr.Const(None.NONE, line);
      default -> new Expr.Name(name, line);
    };
  }

  private BigInteger integer(Token token) {
    String text = token.text();
    if (text.length() > Limits.BITS / 4) {
      throw tokens.failure("a number of " + text.length() + " digits", token.line());
    }
    String prefix = text.length() > 1 ? text.substring(0, 2).toLowerCase(Locale.ROOT) : "";
    return switch (prefix) {
      case "0x" -> new BigInteger(text.substring(2), 16);
      case "0o" -> new BigInteger(text.substring(2), 8);
      case "0b" -> new BigInteger(text.substring(2), 2);
      default -> new BigInteger(text);
    };
  }

  private Expr bracketed(Token token) {
    return switch (token.text()) {
      case "(" -> {
        tokens.next();
        if (tokens.skipOperator(")")) {
          yield new Expr.TupleOf(List.of(), token.line());
        }
        Expr inner = expressions.tuple(true, "");
        tokens.expectOperator(")");
        yield inner;
      }
      case "[" -> {
        tokens.next();
        List<Expr> items = new ArrayList<>();
        while (!tokens.skipOperator("]")) {
          items.add(expressions.expression());
          if (!tokens.isOperator("]")) {
            tokens.expectOperator(",");
          }
        }
        yield new Expr.ListOf(items, token.line());
      }
      case "{" -> dict();
      default -> throw tokens.failure("unexpected '" + token.words() + "'", token.line());
    };
  }

  private Expr dict() {
    int line = tokens.next().line();
    List<Expr.Pair> pairs = new ArrayList<>();
    while (!tokens.skipOperator("}")) {
      Expr key = expressions.expression();
      tokens.expectOperator(":");
      pairs.add(new Expr.Pair(key, expressions.expression()));
      if (!tokens.isOperator("}")) {
        tokens.expectOperator(",");
      }
    }
    return new Expr.DictOf(pairs, line);
  }

  Expr postfix(Expr value) {
    Expr result = value;
    Chain chain = new Chain(tokens);
    while (true) {
      if (tokens.isOperator(".") || tokens.isOperator("[")) {
        result = subscript(result);
      } else if (tokens.isOperator("(")) {
        result = new Expr.Call(result, arguments(), tokens.line());
      } else {
        return result;
      }
      chain.grow();
    }
  }

  Expr filtered(Expr value) {
    Expr result = value;
    Chain chain = new Chain(tokens);
    while (true) {
      if (tokens.isOperator("|")) {
        tokens.next();
        result = filter(Optional.of(result));
      } else if (tokens.isName("is")) {
        result = test(result);
      } else if (tokens.isOperator("(")) {
        result = new Expr.Call(result, arguments(), tokens.line());
      } else {
        return result;
      }
      chain.grow();
    }
  }

  private Expr subscript(Expr owner) {
    Token token = tokens.next();
    if (token.isOperator(".")) {
      Token attribute = tokens.next();
      return switch (attribute.kind()) {
        case NAME -> new Expr.GetAttr(owner, attribute.text(), token.line());
        case INTEGER ->
            new Expr.GetItem(
                owner, new Expr.Const(new Int(integer(attribute)), token.line()), token.line());
        default -> throw tokens.failure("expected name or number", attribute.line());
      };
    }
    List<Expr> keys = new ArrayList<>();
    while (!tokens.isOperator("]")) {
      if (!keys.isEmpty()) {
        tokens.expectOperator(",");
      }
      keys.add(key());
    }
    tokens.next();
    Expr key = keys.size() == 1 ? keys.getFirst() : new Expr.TupleOf(keys, token.line());
    return new Expr.GetItem(owner, key, token.line());
  }

  private Expr key() {
    int line = tokens.line();
    Optional<Expr> start = Optional.empty();
    if (!tokens.isOperator(":")) {
      Expr key = expressions.expression();
      if (!tokens.isOperator(":")) {
        return key;
      }
      start = Optional.of(key);
    }
    tokens.next();
    Optional<Expr> stop = bound();
    Optional<Expr> step = tokens.skipOperator(":") ? bound() : Optional.empty();
    return new Expr.Part(start, stop, step, line);
  }

  private Optional<Expr> bound() {
    boolean isAbsent = tokens.isOperator(":") || tokens.isOperator("]") || tokens.isOperator(",");
    return isAbsent ? Optional.empty() : Optional.of(expressions.expression());
  }

  /** A filter, whose bar is behind us. */
  Expr filter(Optional<Expr> subject) {
    int line = tokens.line();
    String name = dottedName();
    Arguments arguments = tokens.isOperator("(") ? arguments() : Arguments.NONE;
    return new Expr.Filter(subject, name, arguments, line);
  }

  private String dottedName() {
    StringBuilder name = new StringBuilder(tokens.expect(Kind.NAME).text());
    while (tokens.skipOperator(".")) {
      name.append('.').append(tokens.expect(Kind.NAME).text());
    }
    return name.toString();
  }

  private Expr test(Expr subject) {
    int line = tokens.next().line();
    boolean isNegated = tokens.skipName("not");
    String name = dottedName();
    Arguments arguments = Arguments.NONE;
    if (tokens.isOperator("(")) {
      arguments = arguments();
    } else if (beginsArgument()) {
      if (tokens.isName("is")) {
        throw tokens.failure("You cannot chain multiple tests with is", tokens.line());
      }
      tokens.enter();
      Expr only = postfix(primary());
      tokens.leave();
      arguments = new Arguments(List.of(only), List.of(), Optional.empty(), Optional.empty());
    }
    Expr test = new Expr.Test(subject, name, arguments, line);
    return isNegated ? new Expr.Not(test, line) : test;
  }

  private boolean beginsArgument() {
    return switch (tokens.current().kind()) {
      case NAME -> !tokens.isName("else") && !tokens.isName("or") && !tokens.isName("and");
      case STRING, INTEGER, FLOAT -> true;
      case OPERATOR -> tokens.isOperator("[") || tokens.isOperator("{");
      default -> false;
    };
  }

  private Arguments arguments() {
    int line = tokens.expectOperator("(").line();
    List<Expr> positional = new ArrayList<>();
    List<Keyword> named = new ArrayList<>();
    Optional<Expr> star = Optional.empty();
    Optional<Expr> doubleStar = Optional.empty();
    while (!tokens.skipOperator(")")) {
      boolean isValid = doubleStar.isEmpty();
      if (tokens.skipOperator("*")) {
        isValid &= star.isEmpty();
        star = Optional.of(expressions.expression());
      } else if (tokens.skipOperator("**")) {
        doubleStar = Optional.of(expressions.expression());
      } else if (tokens.isAt(Kind.NAME) && tokens.ahead().isOperator("=")) {
        String name = tokens.next().text();
        tokens.next();
        named.add(new Keyword(name, expressions.expression()));
      } else {
        isValid &= star.isEmpty() && named.isEmpty();
        positional.add(expressions.expression());
      }
      if (!isValid) {
        throw tokens.failure("invalid syntax for function call expression", line);
      }
      if (!tokens.isOperator(")")) {
        tokens.expectOperator(",");
      }
    }
    return new Arguments(positional, named, star, doubleStar);
  }
}
