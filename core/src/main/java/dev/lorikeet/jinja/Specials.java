package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Node.Signature;
import dev.lorikeet.jinja.Node.Target;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Which of the names {@code caller}, {@code kwargs} and {@code varargs} a macro's body asks for.
 */
final class Specials {
  private final Set<String> open = new HashSet<>(Set.of("caller", "kwargs", "varargs"));
  private final Set<String> found = new HashSet<>();

  private Specials() {}

  /** As jinja2 looks: in the order of the text, and a name that is assigned to is no longer one. */
  static Set<String> of(List<Node> body) {
    Specials specials = new Specials();
    body.forEach(specials::visit);
    return specials.found;
  }

  private void visit(Expr expression) {
    if (expression instanceof Expr.Name name && open.contains(name.name())) {
      found.add(name.name());
    }
    Parts.of(expression).forEach(this::visit);
  }

  private void visit(Target target) {
    switch (target) {
      case Target.ToName name -> open.remove(name.name());
      case Target.ToAttribute _ -> {}
      case Target.ToTuple tuple -> tuple.targets().forEach(this::visit);
    }
  }

  private void loop(Node.For loop) {
    visit(loop.target());
    visit(loop.items());
    loop.body().forEach(this::visit);
    loop.otherwise().forEach(this::visit);
    loop.test().ifPresent(this::visit);
  }

  private void condition(Node.If condition) {
    condition
        .branches()
        .forEach(branch -> {
          visit(branch.test());
          branch.body().forEach(this::visit);
        });
    condition.otherwise().forEach(this::visit);
  }

  private void function(Signature signature, List<Node> body) {
    signature.parameters().forEach(open::remove);
    signature.defaults().forEach(this::visit);
    body.forEach(this::visit);
  }

  private void visit(Node node) {
    switch (node) {
      case Node.Data _, Node.Break _, Node.Continue _, Node.Block _ -> {}
      case Node.Print print -> visit(print.value());
      case Node.For loop -> loop(loop);
      case Node.If condition -> condition(condition);

      case Node.Assign assign -> {
        visit(assign.target());
        visit(assign.value());
      }
      case Node.AssignBlock assign -> {
        visit(assign.target());
        assign.filter().ifPresent(this::visit);
        assign.body().forEach(this::visit);
      }
      case Node.MacroDefinition macro -> function(macro.signature(), macro.body());
      case Node.CallBlock call -> {
        visit(call.call());
        function(call.signature(), call.body());
      }
      case Node.FilterBlock filter -> {
        filter.body().forEach(this::visit);
        visit(filter.filter());
      }
      case Node.With with -> {
        with.targets().forEach(this::visit);
        with.values().forEach(this::visit);
        with.body().forEach(this::visit);
      }
      case Node.Generation generation -> generation.body().forEach(this::visit);
    }
  }
}
