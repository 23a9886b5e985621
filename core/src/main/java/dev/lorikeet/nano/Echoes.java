package dev.lorikeet.nano;

import java.util.ArrayList;

/**
 * A row of random words and numbers, said several times. Every later time is predictable from the
 * first one alone.
 */
final class Echoes implements DocumentKind {
  private static final int SHORTEST = 2;
  private static final int ELEMENTS = 90;

  private final int longest;
  private final int mostTimes;

  /** Rows of up to {@code longest} elements, said two to {@code mostTimes} times. */
  Echoes(int longest, int mostTimes) {
    this.longest = longest;
    this.mostTimes = mostTimes;
  }

  @Override
  public String write(Scope scope) {
    Dice dice = scope.dice();
    String mark = scope.expand("echomark");
    var lines = new ArrayList<String>();
    for (int left = ELEMENTS; left >= 2 * SHORTEST; ) {
      int times = dice.between(2, mostTimes);
      int length = Math.min(left / times, dice.between(SHORTEST, longest));
      length = Math.max(length, 1);
      String row = row(scope, length);
      for (int i = 0; i < times; i++) {
        lines.add(row);
      }
      left -= times * length;
    }
    return String.join(mark, lines);
  }

  private static String row(Scope scope, int length) {
    var elements = new ArrayList<String>();
    for (int i = 0; i < length; i++) {
      elements.add(scope.expand("echo"));
    }
    return String.join(" ", elements);
  }
}
