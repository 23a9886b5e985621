package dev.lorikeet.jinja;

import dev.lorikeet.error.TemplateException;
import dev.lorikeet.jinja.Node.Branch;
import dev.lorikeet.jinja.Node.Signature;
import dev.lorikeet.jinja.Node.Target;
import dev.lorikeet.jinja.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/** Reads the statements of a template. */
final class Parser {
  private final Tokens tokens;
  private final ExpressionParser expressions;

  /** The tags that are open, and what each of them may go on with. */
  private final Deque<String> openTags = new ArrayDeque<>();

  private final Deque<List<String>> awaited = new ArrayDeque<>();

  private Parser(Tokens tokens) {
    this.tokens = tokens;
    this.expressions = new ExpressionParser(tokens);
  }

  /**
   * The statements of a whole template.
   *
   * @throws TemplateException naming the line, for what jinja2 refuses too and for tags that need
   *     other files
   */
  static List<Node> parse(String name, String source) {
    Tokens tokens = new Tokens(name, Lexer.tokens(name, source));
    return new Parser(tokens).nodes(List.of());
  }

  /** Statements up to one of {@code ends}, which stays; up to the end of the template without. */
  private List<Node> nodes(List<String> ends) {
    List<Node> nodes = new ArrayList<>();
    while (!tokens.isAt(Kind.END)) {
      Token token = tokens.next();
      switch (token.kind()) {
        case DATA -> nodes.add(new Node.Data(token.text(), token.line()));
        case VARIABLE_BEGIN -> {
          nodes.add(new Node.Print(expressions.tuple(true, ""), token.line()));
          tokens.expect(Kind.VARIABLE_END);
        }
        default -> {
          if (tokens.isAt(Kind.NAME) && ends.contains(tokens.current().text())) {
            return nodes;
          }
          nodes.addAll(statement());
          tokens.expect(Kind.BLOCK_END);
        }
      }
    }
    if (!ends.isEmpty()) {
      throw unexpectedEnd(Optional.empty(), tokens.line());
    }
    return nodes;
  }

  /** A body up to one of {@code ends}; the end's name is read. */
  private List<Node> body(String... ends) {
    tokens.skipOperator(":");
    tokens.expect(Kind.BLOCK_END);
    awaited.push(List.of(ends));
    List<Node> body = nodes(List.of(ends));
    awaited.pop();
    return body;
  }

  private List<Node> closedBody(String end) {
    List<Node> body = body(end);
    tokens.next();
    return body;
  }

  private List<Node> statement() {
    Token token = tokens.current();
    if (token.kind() != Kind.NAME) {
      throw tokens.failure("tag name expected", token.line());
    }
    tokens.enter();
    openTags.push(token.text());
    List<Node> nodes = token.text().equals("print") ? prints() : List.of(statement(tokens.next()));
    openTags.pop();
    tokens.leave();
    return nodes;
  }

  private Node statement(Token tag) {
    int line = tag.line();
    return switch (tag.text()) {
      case "for" -> loop(line);
      case "if" -> condition(line);
      case "set" -> assignment(line);
      case "macro" -> macro(line);
      case "call" -> callBlock(line);
      case "filter" -> new Node.FilterBlock(filters(), closedBody("endfilter"), line);
      case "with" -> with(line);
      case "block" -> block(line);
      case "generation" -> new Node.Generation(closedBody("endgeneration"), line);
      case "break" -> new Node.Break(line);
      case "continue" -> new Node.Continue(line);
      case "include", "import", "from", "extends" ->
          throw tokens.failure(
              "the tag "
                  + Repr.quoted(tag.text())
                  + " needs another file, but a chat template is one file",
              line);
      case "autoescape" ->
          throw tokens.failure("the tag 'autoescape' is for web pages, not for chats", line);
      default -> {
        openTags.pop();
        throw unexpectedEnd(Optional.of(tag.text()), line);
      }
    };
  }

  private TemplateException unexpectedEnd(Optional<String> unknown, int line) {
    StringBuilder problem =
        new StringBuilder(
            unknown
                .map(name -> "Encountered unknown tag " + Repr.quoted(name) + ".")
                .orElse("Unexpected end of template."));
    if (!awaited.isEmpty()) {
      String looking = String.join(" or ", awaited.getFirst().stream().map(Repr::quoted).toList());
      boolean isNested =
          unknown.isPresent() && awaited.stream().anyMatch(ends -> ends.contains(unknown.get()));
      problem.append(
          isNested
              ? " You probably made a nesting mistake. Jinja is expecting this tag, but currently"
                  + " looking for "
              : " Jinja was looking for the following tags: ");
      problem.append(looking).append('.');
    }
    if (!openTags.isEmpty()) {
      problem
          .append(" The innermost block that needs to be closed is ")
          .append(Repr.quoted(openTags.getFirst()))
          .append('.');
    }
    return tokens.failure(problem.toString(), line);
  }

  private List<Node> prints() {
    int line = tokens.next().line();
    List<Node> prints = new ArrayList<>();
    while (!tokens.isAt(Kind.BLOCK_END)) {
      if (!prints.isEmpty()) {
        tokens.expectOperator(",");
      }
      prints.add(new Node.Print(expressions.expression(), line));
    }
    return prints;
  }

  private Node loop(int line) {
    Target target = target("in", Attributes.NONE);
    tokens.expectName("in");
    Expr items = expressions.tuple(false, "recursive");
    Optional<Expr> test =
        tokens.skipName("if") ? Optional.of(expressions.expression()) : Optional.empty();
    boolean isRecursive = tokens.skipName("recursive");
    List<Node> body = body("endfor", "else");
    List<Node> otherwise = tokens.next().text().equals("else") ? closedBody("endfor") : List.of();
    return new Node.For(target, items, test, isRecursive, body, otherwise, line);
  }

  private Node condition(int line) {
    List<Branch> branches = new ArrayList<>();
    while (true) {
      Expr test = expressions.tuple(false, "");
      branches.add(new Branch(test, body("elif", "else", "endif")));
      String end = tokens.next().text();
      if (!end.equals("elif")) {
        List<Node> otherwise = end.equals("else") ? closedBody("endif") : List.of();
        return new Node.If(branches, otherwise, line);
      }
    }
  }

  private Node assignment(int line) {
    Target target = target("", Attributes.ALLOWED);
    if (tokens.skipOperator("=")) {
      return new Node.Assign(target, expressions.tuple(true, ""), line);
    }
    Optional<Expr> filter = tokens.skipOperator("|") ? Optional.of(filters()) : Optional.empty();
    return new Node.AssignBlock(target, filter, closedBody("endset"), line);
  }

  /** One or more filters without a subject: the first is innermost. */
  private Expr filters() {
    Expr filter = expressions.primaries().filter(Optional.empty());
    Tokens.Chain chain = new Tokens.Chain(tokens);
    while (tokens.skipOperator("|")) {
      chain.grow();
      filter = expressions.primaries().filter(Optional.of(filter));
    }
    return filter;
  }

  private Node macro(int line) {
    String name = parameter();
    Signature signature = signature();
    return new Node.MacroDefinition(name, signature, closedBody("endmacro"), line);
  }

  private Signature signature() {
    List<String> parameters = new ArrayList<>();
    List<Expr> defaults = new ArrayList<>();
    tokens.expectOperator("(");
    while (!tokens.isOperator(")")) {
      if (!parameters.isEmpty()) {
        tokens.expectOperator(",");
      }
      int line = tokens.line();
      parameters.add(parameter());
      if (tokens.skipOperator("=")) {
        defaults.add(expressions.expression());
      } else if (!defaults.isEmpty()) {
        throw tokens.failure("non-default argument follows default argument", line);
      }
    }
    tokens.next();
    return new Signature(parameters, defaults);
  }

  private String parameter() {
    Token token = tokens.expect(Kind.NAME);
    requireName(token);
    return token.text();
  }

  private void requireName(Token token) {
    if (PrimaryParser.name(token.text(), token.line()) instanceof Expr.Const) {
      throw tokens.failure("can't assign to 'const'", token.line());
    }
  }

  private Node callBlock(int line) {
    Signature signature = tokens.isOperator("(") ? signature() : Signature.EMPTY;
    Expr call = expressions.expression();
    if (!(call instanceof Expr.Call called)) {
      throw tokens.failure("expected call", line);
    }
    return new Node.CallBlock(signature, called, closedBody("endcall"), line);
  }

  private Node with(int line) {
    List<Target> targets = new ArrayList<>();
    List<Expr> values = new ArrayList<>();
    while (!tokens.isAt(Kind.BLOCK_END)) {
      if (!targets.isEmpty()) {
        tokens.expectOperator(",");
      }
      targets.add(target("", Attributes.NONE));
      tokens.expectOperator("=");
      values.add(expressions.expression());
    }
    return new Node.With(targets, values, closedBody("endwith"), line);
  }

  private Node block(int line) {
    String name = tokens.expect(Kind.NAME).text();
    boolean isScoped = tokens.skipName("scoped");
    tokens.skipName("required");
    List<Node> body = closedBody("endblock");
    tokens.skipName(name);
    return new Node.Block(name, isScoped, body, line);
  }

  /** Whether {@code namespace.attribute} may be assigned to. */
  private enum Attributes {
    ALLOWED,
    NONE
  }

  private Target target(String endName, Attributes attributes) {
    int line = tokens.line();
    List<Target> targets = new ArrayList<>();
    boolean isTuple = false;
    while (true) {
      if (!targets.isEmpty()) {
        tokens.expectOperator(",");
      }
      if (expressions.isTupleEnd(endName) || tokens.isOperator("=")) {
        break;
      }
      targets.add(oneTarget(attributes));
      if (!tokens.isOperator(",")) {
        break;
      }
      isTuple = true;
    }
    if (targets.isEmpty()) {
      throw tokens.failure("Expected an expression, got '" + tokens.current().words() + "'", line);
    }
    return isTuple ? new Target.ToTuple(targets) : targets.getFirst();
  }

  private Target oneTarget(Attributes attributes) {
    if (tokens.skipOperator("(")) {
      tokens.enter();
      Target inner = target("", Attributes.NONE);
      tokens.expectOperator(")");
      tokens.leave();
      return inner;
    }
    Token token = tokens.next();
    if (token.kind() != Kind.NAME) {
      throw tokens.failure("can't assign to 'const'", token.line());
    }
    requireName(token);
    if (attributes == Attributes.ALLOWED && tokens.skipOperator(".")) {
      return new Target.ToAttribute(token.text(), tokens.expect(Kind.NAME).text());
    }
    return new Target.ToName(token.text());
  }
}
