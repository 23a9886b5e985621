package dev.lorikeet.jinja;

import dev.lorikeet.jinja.Node.Signature;
import dev.lorikeet.jinja.Value.Bool;
import dev.lorikeet.jinja.Value.Dict;
import dev.lorikeet.jinja.Value.None;
import dev.lorikeet.jinja.Value.Seq;
import dev.lorikeet.jinja.Value.Str;
import dev.lorikeet.jinja.Value.Undefined;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A macro, or the body of a call block, with the scope that it was written in. */
final class Macro implements Value.Callable {
  private final Interpreter interpreter;
  private final Optional<String> name;
  private final Signature signature;
  private final List<Node> body;
  private final Scope home;
  private final Set<String> specials;

  Macro(
      Interpreter interpreter,
      Optional<String> name,
      Signature signature,
      List<Node> body,
      Scope home) {
    this.interpreter = interpreter;
    this.name = name;
    this.signature = signature;
    this.body = body;
    this.home = home;
    this.specials = interpreter.specials(body);
  }

  private boolean catches(String special) {
    return specials.contains(special) && !signature.parameters().contains(special);
  }

  @Override
  public Value call(Args args, Execution execution) {
    Scope scope = home.inner();
    Map<String, Value> named = new LinkedHashMap<>(args.named());
    int given = Math.min(args.positional().size(), signature.parameters().size());
    List<String> missing = new ArrayList<>();
    for (int i = 0; i < signature.parameters().size(); i++) {
      String parameter = signature.parameters().get(i);
      Value value = i < given ? args.positional().get(i) : named.remove(parameter);
      if (value == null) {
        missing.add(parameter);
      }
      scope.set(
          parameter,
          value == null ? Undefined.of(Repr.quoted(parameter) + " is undefined") : value);
    }
    bindSpecials(
        args.positional().subList(given, args.positional().size()), named, scope, execution);
    interpreter.defaults(signature, missing, scope);
    return Str.of(interpreter.part(body, scope));
  }

  private void bindSpecials(
      List<Value> more, Map<String, Value> named, Scope scope, Execution execution) {
    if (catches("caller")) {
      Value caller = named.remove("caller");
      scope.set(
          "caller",
          caller == null || caller == None.NONE ? Undefined.of("No caller defined") : caller);
    }
    if (catches("kwargs")) {
      Dict kwargs = new Dict();
      named.forEach((key, value) -> kwargs.put(Str.of(key), value, execution.budget()));
      scope.set("kwargs", kwargs);
    } else if (named.containsKey("caller")) {
      throw PyError.type(
          "macro "
              + shownName()
              + " was invoked with two values for the special caller argument. This is most"
              + " likely a bug.");
    } else if (!named.isEmpty()) {
      throw PyError.type(
          "macro %s takes no keyword argument %s"
              .formatted(shownName(), Repr.quoted(named.keySet().iterator().next())));
    }
    if (catches("varargs")) {
      scope.set("varargs", new Seq(Seq.Kind.TUPLE, List.copyOf(more)));
    } else if (!more.isEmpty()) {
      throw PyError.type(
          "macro %s takes not more than %d argument(s)"
              .formatted(shownName(), signature.parameters().size()));
    }
  }

  private String shownName() {
    return name.map(Repr::quoted).orElse("None");
  }

  @Override
  public Optional<Value> attribute(String attribute) {
    return Optional.ofNullable(
        switch (attribute) {
          case "name" -> name.<Value>map(Str::of).orElse(None.NONE);
          case "arguments" ->
              new Seq(Seq.Kind.TUPLE, signature.parameters().stream().<Value>map(Str::of).toList());
          case "catch_kwargs" -> Bool.of(catches("kwargs"));
          case "catch_varargs" -> Bool.of(catches("varargs"));
          case "caller" -> Bool.of(specials.contains("caller"));
          default -> null;
        });
  }

  @Override
  public String type() {
    return "Macro";
  }

  @Override
  public String text() {
    return "<Macro " + name.map(Repr::quoted).orElse("anonymous") + ">";
  }
}
