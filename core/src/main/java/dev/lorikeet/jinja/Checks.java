package dev.lorikeet.jinja;

import dev.lorikeet.error.TemplateException;
import dev.lorikeet.jinja.Node.Signature;
import dev.lorikeet.jinja.Node.Target;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What jinja2's compiler refuses before anything is rendered: unknown filters and tests outside of
 * conditions, loop controls outside of loops, an assignment to {@code loop} in a loop.
 */
final class Checks {
  private final String template;
  private final Set<String> blocks = new HashSet<>();
  private int depth;

  private Checks(String template) {
    this.template = template;
  }

  /**
   * Where a node stands.
   *
   * @param isInLoop whether break and continue have a loop
   * @param isLoopSpecial whether {@code loop} is that of a loop
   * @param isConditional whether what is unknown may stay unused
   */
  private record Place(boolean isInLoop, boolean isLoopSpecial, boolean isConditional) {
    Place conditional() {
      return new Place(isInLoop, isLoopSpecial, true);
    }

    Place block() {
      return new Place(isInLoop, isLoopSpecial, false);
    }

    Place function() {
      return new Place(false, isLoopSpecial, false);
    }

    Place loop() {
      return new Place(true, true, false);
    }
  }

  /** Passes or throws. */
  static void run(String template, List<Node> nodes) {
    new Checks(template).nodes(nodes, new Place(false, false, false));
  }

  private void nodes(List<Node> nodes, Place place) {
    nodes.forEach(node -> node(node, place));
  }

  private void node(Node node, Place place) {
    enter(node.line());
    switch (node) {
      case Node.Data _ -> {}
      case Node.Print print -> expression(print.value(), place);
      case Node.For loop -> loop(loop, place);
      case Node.If condition -> condition(condition, place.conditional());

      case Node.Assign assign -> {
        target(assign.target(), place, assign.line());
        expression(assign.value(), place);
      }
      case Node.AssignBlock assign -> {
        target(assign.target(), place, assign.line());
        assign.filter().ifPresent(filter -> expression(filter, place.block()));
        nodes(assign.body(), place.block());
      }
      case Node.MacroDefinition macro -> {
        requireNotLoop(macro.name(), place, macro.line());
        function(macro.signature(), macro.body(), place, macro.line());
      }
      case Node.CallBlock call -> {
        expression(call.call(), place);
        function(call.signature(), call.body(), place, call.line());
      }
      case Node.FilterBlock filter -> {
        expression(filter.filter(), place.block());
        nodes(filter.body(), place.block());
      }
      case Node.With with -> with(with, place);
      case Node.Block block -> block(block, place);

      case Node.Generation generation -> nodes(generation.body(), place.function());
      case Node.Break _ -> requireLoop("break", node, place);
      case Node.Continue _ -> requireLoop("continue", node, place);
    }
    depth--;
  }

  private void condition(Node.If condition, Place place) {
    condition
        .branches()
        .forEach(branch -> {
          expression(branch.test(), place);
          nodes(branch.body(), place);
        });
    nodes(condition.otherwise(), place);
  }

  private void with(Node.With with, Place place) {
    with.values().forEach(value -> expression(value, place));
    with.targets().forEach(target -> target(target, place, with.line()));
    nodes(with.body(), place.block());
  }

  private void block(Node.Block block, Place place) {
    if (!blocks.add(block.name())) {
      throw failure("block " + Repr.quoted(block.name()) + " defined twice", block.line());
    }
    nodes(block.body(), place.function());
  }

  private void enter(int line) {
    if (++depth > Limits.DEFAULT.depth()) {
      throw failure("more than " + Limits.DEFAULT.depth() + " levels inside each other", line);
    }
  }

  private void loop(Node.For loop, Place place) {
    target(loop.target(), place.loop(), loop.line());
    expression(loop.items(), place);
    loop.test().ifPresent(test -> expression(test, place.block()));
    nodes(loop.body(), place.loop());
    nodes(loop.otherwise(), new Place(place.isInLoop(), true, false));
  }

  private void requireLoop(String tag, Node node, Place place) {
    if (!place.isInLoop()) {
      throw failure("'" + tag + "' outside loop", node.line());
    }
  }

  private void target(Target target, Place place, int line) {
    switch (target) {
      case Target.ToName name -> requireNotLoop(name.name(), place, line);
      case Target.ToAttribute _ -> {}
      case Target.ToTuple tuple -> tuple.targets().forEach(part -> target(part, place, line));
    }
  }

  private void requireNotLoop(String name, Place place, int line) {
    if (place.isLoopSpecial() && name.equals("loop")) {
      throw failure("Can't assign to special loop variable in for-loop target", line);
    }
  }

  private void function(Signature signature, List<Node> body, Place place, int line) {
    signature.defaults().forEach(value -> expression(value, place.function()));
    nodes(body, place.function());
    Set<String> names = new HashSet<>();
    for (int i = 0; i < signature.parameters().size(); i++) {
      String name = signature.parameters().get(i);
      if (!names.add(name)) {
        throw failure("duplicate argument " + Repr.quoted(name) + " in a macro", line);
      }
      boolean isCaller = name.equals("caller") && Specials.of(body).contains("caller");
      if (isCaller && signature.defaultOf(i).isEmpty()) {
        throw failure(
            "When defining macros or call blocks the special \"caller\" argument must be omitted"
                + " or be given a default.",
            line);
      }
    }
  }

  private void expression(Expr expression, Place place) {
    enter(expression.line());
    if (expression instanceof Expr.Filter filter && !Filters.has(filter.name())) {
      requireKnown("filter", filter.name(), filter.line(), place);
    }
    if (expression instanceof Expr.Test test && !Tests.has(test.name())) {
      requireKnown("test", test.name(), test.line(), place);
    }
    Place inside = expression instanceof Expr.Conditional ? place.conditional() : place;
    Parts.of(expression).forEach(part -> expression(part, inside));
    depth--;
  }

  private void requireKnown(String kind, String name, int line, Place place) {
    if (!place.isConditional()) {
      throw failure("No " + kind + " named " + Repr.quoted(name) + ".", line);
    }
  }

  private TemplateException failure(String problem, int line) {
    return new TemplateException(template, line, problem);
  }
}
