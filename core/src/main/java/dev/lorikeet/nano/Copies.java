package dev.lorikeet.nano;

import java.util.ArrayList;
import java.util.List;

/** Words and numbers said twice: at once, after a list, or after a table that is looked up. */
final class Copies implements DocumentKind {
  private final int longestList;

  /** {@code longestList}: the most elements that a list has before it is said again. */
  Copies(int longestList) {
    this.longestList = longestList;
  }

  @Override
  public String write(Scope scope) {
    return switch (scope.dice().below(3)) {
      case 0 -> shortCopies(scope);
      case 1 -> listTwice(scope);
      default -> table(scope);
    };
  }

  private static String shortCopies(Scope scope) {
    var lines = new ArrayList<String>();
    for (int i = scope.dice().between(4, 9); i > 0; i--) {
      scope.forgetNames();
      lines.add(scope.expand("short"));
    }
    return String.join("\n", lines);
  }

  private String listTwice(Scope scope) {
    Dice dice = scope.dice();
    String head = scope.expand("copyhead") + " ";
    String tail = scope.expand("copytail") + " ";
    String comma = dice.chance(50) ? ", " : " ";
    var parts = new ArrayList<String>();
    for (int i = dice.between(2, 4); i > 0; i--) {
      var elements = new ArrayList<String>();
      for (int k = dice.between(1, longestList); k > 0; k--) {
        elements.add(scope.expand("element"));
      }
      String list = String.join(comma, elements);
      parts.add(head + list + "\n" + tail + list);
    }
    return String.join("\n", parts);
  }

  private String table(Scope scope) {
    Dice dice = scope.dice();
    String key = scope.expand("pairkey");
    int length = dice.between(3, 6);
    var rows = new ArrayList<String>();
    for (int i = dice.between(2, longestList); i > 0; i--) {
      scope.forgetNames();
      rows.add(scope.fill("<" + key + ".k>: ") + dice.digits(length));
    }
    List<String> asked = new ArrayList<>(rows);
    dice.shuffle(asked);
    return String.join("\n", rows) + "\nOnce more:\n" + String.join("\n", asked);
  }
}
