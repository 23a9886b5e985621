package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Node.Branch;
import dev.lorikeet.jinja.Node.Signature;
import dev.lorikeet.jinja.Node.Target;
import dev.lorikeet.jinja.Value.Namespace;
import dev.lorikeet.jinja.Value.Str;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Runs the statements of a template once. */
final class Interpreter {
  private final Execution execution;
  private final Budget budget;
  private final Evaluator evaluator;
  private final Template.Marks marks;
  private final Scope root = Scope.root();
  private final List<Rendering.Span> spans = new ArrayList<>();

  /** By the body itself, not by what is in it: a macro in a loop is defined again and again. */
  private final IdentityHashMap<List<Node>, Set<String>> specials = new IdentityHashMap<>();

  Interpreter(Execution execution, Map<String, Value> variables, Template.Marks marks) {
    this.execution = execution;
    this.budget = execution.budget();
    this.evaluator = new Evaluator(execution, variables);
    this.marks = marks;
  }

  private enum Flow {
    ON,
    BREAK,
    CONTINUE
  }

  Rendering render(List<Node> nodes) {
    Output out = new Output(Output.Kind.RENDERING, budget);
    run(nodes, root, out);
    return new Rendering(out.text(), spans);
  }

  /** The line of what was run last. */
  int line() {
    return evaluator.line();
  }

  Evaluator evaluator() {
    return evaluator;
  }

  Execution execution() {
    return execution;
  }

  Set<String> specials(List<Node> body) {
    return specials.computeIfAbsent(body, Specials::of);
  }

  /** What {@code nodes} give as a text of its own. */
  String part(List<Node> nodes, Scope scope) {
    Output out = new Output(Output.Kind.PART, budget);
    run(nodes, scope, out);
    return out.text();
  }

  private Flow run(List<Node> nodes, Scope scope, Output out) {
    for (Node node : nodes) {
      budget.enter();
      evaluator.at(node.line());
      Flow flow = run(node, scope, out);
      budget.leave();
      if (flow != Flow.ON) {
        return flow;
      }
    }
    return Flow.ON;
  }

  private Flow run(Node node, Scope scope, Output out) {
    switch (node) {
      case Node.Data data -> out.append(data.text());
      case Node.Print print ->
          out.append(Repr.str(evaluator.evaluate(print.value(), scope), budget));
      case Node.For loop -> {
        return iterate(loop, evaluator.evaluate(loop.items(), scope), scope, out, 0);
      }
      case Node.If condition -> {
        return choose(condition, scope, out);
      }
      case Node.Assign assign -> assign(assign, scope);
      case Node.AssignBlock assign -> {
        return assignBlock(assign, scope);
      }
      case Node.MacroDefinition macro -> define(macro, scope);

      case Node.CallBlock call -> out.append(Repr.str(called(call, scope), budget));
      case Node.FilterBlock filter -> {
        return filterBlock(filter, scope, out);
      }
      case Node.With with -> {
        return with(with, scope, out);
      }
      case Node.Block block -> {
        return run(block.body(), block.isScoped() ? scope.inner() : root.inner(), out);
      }
      case Node.Generation generation -> generate(generation, scope, out);
      case Node.Break _ -> {
        return Flow.BREAK;
      }
      case Node.Continue _ -> {
        return Flow.CONTINUE;
      }
    }
    return Flow.ON;
  }

  private Flow filterBlock(Node.FilterBlock filter, Scope scope, Output out) {
    Output part = new Output(Output.Kind.PART, budget);
    Flow flow = run(filter.body(), scope.inner(), part);
    if (flow == Flow.ON) {
      out.append(Repr.str(filtered(filter.filter(), part, scope), budget));
    }
    return flow;
  }

  private Flow choose(Node.If condition, Scope scope, Output out) {
    for (Branch branch : condition.branches()) {
      if (evaluator.isTrue(branch.test(), scope)) {
        return run(branch.body(), scope, out);
      }
    }
    return run(condition.otherwise(), scope, out);
  }

  /** Runs a loop; {@code depth} counts how often a recursive one has called itself. */
  private Flow iterate(Node.For loop, Value items, Scope scope, Output out, int depth) {
    Value iterated = loop.test().isPresent() ? tested(loop, items, scope) : items;
    LoopContext context =
        new LoopContext(
            iterated,
            budget,
            depth,
            loop.isRecursive()
                ? Optional.of(inner -> {
                  Output part = new Output(Output.Kind.PART, budget);
                  iterate(loop, inner, scope, part, depth + 1);
                  return Str.of(part.text());
                })
                : Optional.empty());
    boolean hasEnded = false;
    while (context.hasNext()) {
      Scope inside = scope.inner();
      Value item = context.next();
      assign(loop.target(), item, inside);
      inside.set("loop", context);
      Flow flow = run(loop.body(), inside, out);
      // As in jinja2, "else" runs unless one round came to its end.
      hasEnded |= flow == Flow.ON;
      if (flow == Flow.BREAK) {
        break;
      }
    }
    return hasEnded ? Flow.ON : run(loop.otherwise(), scope.inner(), out);
  }

  private Value tested(Node.For loop, Value items, Scope scope) {
    Expr test = loop.test().orElseThrow();
    return Value.Stream.generator(
        Items.filter(
            Items.of(items, budget),
            item -> {
              Scope inside = scope.inner();
              assign(loop.target(), item, inside);
              return evaluator.isTrue(test, inside);
            }));
  }

  private void assign(Node.Assign assign, Scope scope) {
    requireNamespaces(assign.target(), scope);
    assign(assign.target(), evaluator.evaluate(assign.value(), scope), scope);
  }

  private void requireNamespaces(Target target, Scope scope) {
    switch (target) {
      case Target.ToName _ -> {}
      case Target.ToAttribute to -> {
        if (!(evaluator.name(to.namespace(), scope) instanceof Namespace)) {
          throw PyError.runtime("cannot assign attribute on non-namespace object");
        }
      }
      case Target.ToTuple tuple -> tuple.targets().forEach(part -> requireNamespaces(part, scope));
    }
  }

  private void assign(Target target, Value value, Scope scope) {
    switch (target) {
      case Target.ToName name -> scope.set(name.name(), value);
      case Target.ToAttribute to -> {
        if (evaluator.name(to.namespace(), scope) instanceof Namespace namespace) {
          namespace.attributes().put(to.attribute(), value);
        }
      }
      case Target.ToTuple tuple -> {
        List<Value> values = unpacked(value, tuple.targets().size());
        for (int i = 0; i < values.size(); i++) {
          assign(tuple.targets().get(i), values.get(i), scope);
        }
      }
    }
  }

  private List<Value> unpacked(Value value, int count) {
    if (!Items.isIterable(value)) {
      throw PyError.type("cannot unpack non-iterable " + value.typeName() + " object");
    }
    List<Value> values = new ArrayList<>(count);
    Iterator<Value> items = Items.of(value, budget);
    while (items.hasNext()) {
      if (values.size() == count) {
        throw PyError.value("too many values to unpack (expected " + count + ")");
      }
      values.add(items.next());
    }
    if (values.size() < count) {
      throw PyError.value(
          "not enough values to unpack (expected %d, got %d)".formatted(count, values.size()));
    }
    return values;
  }

  private Flow assignBlock(Node.AssignBlock assign, Scope scope) {
    requireNamespaces(assign.target(), scope);
    Output part = new Output(Output.Kind.PART, budget);
    Flow flow = run(assign.body(), scope.inner(), part);
    if (flow == Flow.ON) {
      Value value =
          assign.filter().isPresent()
              ? filtered(assign.filter().get(), part, scope)
              : Str.of(part.text());
      assign(assign.target(), value, scope);
    }
    return flow;
  }

  private Value filtered(Expr filter, Output part, Scope scope) {
    if (!(filter instanceof Expr.Filter outer)) {
      throw new IllegalStateException("the parser made something else than a filter");
    }
    return evaluator.filter(outer, Str.of(part.text()), scope);
  }

  private void define(Node.MacroDefinition macro, Scope scope) {
    Optional<String> name = Optional.of(macro.name());
    scope.set(macro.name(), new Macro(this, name, macro.signature(), macro.body(), scope));
  }

  private Value called(Node.CallBlock call, Scope scope) {
    Macro caller = new Macro(this, Optional.empty(), call.signature(), call.body(), scope);
    return evaluator.call(call.call(), Optional.of(caller), scope);
  }

  private Flow with(Node.With with, Scope scope, Output out) {
    Scope inside = scope.inner();
    List<Value> values = new ArrayList<>();
    with.values().forEach(value -> values.add(evaluator.evaluate(value, scope)));
    for (int i = 0; i < values.size(); i++) {
      assign(with.targets().get(i), values.get(i), inside);
    }
    return run(with.body(), inside, out);
  }

  private void generate(Node.Generation generation, Scope scope, Output out) {
    if (marks == Template.Marks.KEPT && !out.isRendering()) {
      throw PyError.runtime(
          "a generation block inside a macro, a recursive loop, a set or filter block: where its"
              + " text will stand is unknown, so it marks nothing; put it around the text itself");
    }
    int start = out.length();
    run(generation.body(), scope.inner(), out);
    if (marks == Template.Marks.KEPT) {
      spans.add(new Rendering.Span(start, out.length()));
    }
  }

  /** The values of a macro's parameters that were not given: its defaults, first to last. */
  void defaults(Signature signature, List<String> missing, Scope scope) {
    for (String name : missing) {
      Optional<Expr> value = signature.defaultOf(signature.parameters().indexOf(name));
      scope.set(
          name,
          value.isPresent()
              ? evaluator.evaluate(value.get(), scope)
              : Value.Undefined.of("parameter " + Repr.quoted(name) + " was not provided"));
    }
  }
}
