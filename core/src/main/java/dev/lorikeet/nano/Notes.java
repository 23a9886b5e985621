package dev.lorikeet.nano;

import java.util.ArrayList;
import java.util.List;

/** Facts, diary notes, lists of things to do or to buy, and loose "name: value" lines. */
final class Notes implements DocumentKind {
  @Override
  public String write(Scope scope) {
    return switch (scope.dice().below(4)) {
      case 0 -> sentences(scope, "everyday");
      case 1 -> sentences(scope, "entry");
      case 2 -> list(scope);
      default -> String.join("\n", lines(scope, "pairs", scope.dice().between(3, 8)));
    };
  }

  private static String sentences(Scope scope, String symbol) {
    var sentences = new ArrayList<String>();
    for (int i = scope.dice().between(3, 6); i > 0; i--) {
      sentences.add(scope.expand(symbol));
      scope.forgetNames();
    }
    return String.join(" ", sentences);
  }

  private static String list(Scope scope) {
    Dice dice = scope.dice();
    if (dice.chance(50)) {
      return "To do on "
          + scope.fill("<day>")
          + ":\n- "
          + String.join("\n- ", lines(scope, "todo", dice.between(3, 6)));
    }
    String symbol = dice.chance(60) ? "item" : dice.chance(50) ? "food" : "animal";
    List<String> things = lines(scope, symbol, dice.between(3, 8));
    return scope.expand("listhead") + ": " + String.join(", ", things) + ".";
  }

  private static List<String> lines(Scope scope, String symbol, int count) {
    var lines = new ArrayList<String>();
    for (int i = 0; i < count; i++) {
      lines.add(scope.expand(symbol));
    }
    return lines;
  }
}
