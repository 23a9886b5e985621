package dev.lorikeet.jinja;

import dev.lorikeet.error.TemplateException;
import dev.lorikeet.jinja.Token.Kind;
import java.util.List;

/** The tokens of a template one by one, and how deep the parser is in them. */
final class Tokens {
  private final String template;
  private final List<Token> tokens;
  private int at;
  private int depth;

  Tokens(String template, List<Token> tokens) {
    this.template = template;
    this.tokens = tokens;
  }

  Token current() {
    return tokens.get(at);
  }

  Token ahead() {
    return tokens.get(Math.min(at + 1, tokens.size() - 1));
  }

  int line() {
    return current().line();
  }

  Token next() {
    Token token = current();
    at = Math.min(at + 1, tokens.size() - 1);
    return token;
  }

  boolean isAt(Kind kind) {
    return current().kind() == kind;
  }

  boolean isOperator(String operator) {
    return current().isOperator(operator);
  }

  boolean isName(String name) {
    return current().isName(name);
  }

  boolean skipOperator(String operator) {
    boolean isThere = isOperator(operator);
    if (isThere) {
      next();
    }
    return isThere;
  }

  boolean skipName(String name) {
    boolean isThere = isName(name);
    if (isThere) {
      next();
    }
    return isThere;
  }

  Token expect(Kind kind) {
    return isAt(kind) ? next() : unexpected(kind.words());
  }

  Token expectOperator(String operator) {
    return isOperator(operator) ? next() : unexpected(operator);
  }

  Token expectName(String name) {
    return isName(name) ? next() : unexpected(name);
  }

  private Token unexpected(String expected) {
    throw failure(
        isAt(Kind.END)
            ? "unexpected end of template, expected '" + expected + "'."
            : "expected token '" + expected + "', got '" + current().words() + "'",
        line());
  }

  TemplateException failure(String problem, int line) {
    return new TemplateException(template, line, problem);
  }

  /** Goes one level deeper; {@link #leave} comes back. */
  void enter() {
    if (++depth > Limits.NESTING) {
      throw failure(
          "more than " + Limits.NESTING + " expressions or blocks inside each other", line());
    }
  }

  void leave() {
    depth--;
  }

  /** Counts what stands one behind the other: the tree of it is as deep as it is long. */
  static final class Chain {
    private final Tokens tokens;
    private int length;

    Chain(Tokens tokens) {
      this.tokens = tokens;
    }

    void grow() {
      if (++length > Limits.CHAIN) {
        throw tokens.failure(
            "more than " + Limits.CHAIN + " operators one behind the other", tokens.line());
      }
    }
  }
}
