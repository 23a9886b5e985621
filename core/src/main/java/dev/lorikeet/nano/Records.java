package dev.lorikeet.nano;

import java.util.ArrayList;
import java.util.List;

/** Short texts, each followed by the same facts as a record: JSON, lines or a row of fields. */
final class Records implements DocumentKind {
  private enum Layout {
    COMPACT_JSON("{\"", "\":\"", "\",\"", "\"}"),
    SPACED_JSON("{\"", "\": \"", "\", \"", "\"}"),
    LINES("\n", ": ", "\n", ""),
    ROW("", "=", "; ", ".");

    private final String open;
    private final String between;
    private final String next;
    private final String close;

    Layout(String open, String between, String next, String close) {
      this.open = open;
      this.between = between;
      this.next = next;
      this.close = close;
    }

    String write(List<String> fields) {
      var text = new StringBuilder(open);
      for (int i = 0; i < fields.size(); i++) {
        String[] sides = fields.get(i).split("=", 2);
        text.append(i == 0 ? "" : next).append(sides[0]).append(between).append(sides[1]);
      }
      return text.append(close).toString();
    }
  }

  @Override
  public String write(Scope scope) {
    Dice dice = scope.dice();
    Layout layout = layout(dice.below(100));
    String intro = scope.expand("intro") + ": ";
    String outro = scope.expand("outro") + ":" + (layout == Layout.LINES ? "" : " ");
    var records = new ArrayList<String>();
    for (int i = dice.between(2, 4); i > 0; i--) {
      scope.forgetNames();
      String kind = scope.expand("kinds");
      String text = Questions.capital(scope.expand(kind + ".text"));
      if (dice.chance(20)) {
        text = text + " " + scope.expand("filler");
      }
      records.add(intro + text + "\n" + outro + layout.write(fields(scope, kind)));
    }
    return String.join("\n\n", records);
  }

  private static Layout layout(int percent) {
    if (percent < 55) {
      return Layout.COMPACT_JSON;
    }
    return percent < 75 ? Layout.SPACED_JSON : percent < 90 ? Layout.LINES : Layout.ROW;
  }

  private static List<String> fields(Scope scope, String kind) {
    List<String> fields = new ArrayList<>(List.of(scope.expand(kind + ".fields").split("\\|", -1)));
    if (scope.dice().chance(50)) {
      scope.dice().shuffle(fields);
    }
    return fields;
  }
}
