package dev.lorikeet.metric;

import dev.lorikeet.stat.Direction;
import java.nio.charset.StandardCharsets;
import java.util.Set;

/** Length of the answer in words between white space, Unicode characters, or bytes of UTF-8. */
final class TextLength implements Metric {

  /** What is counted. */
  enum Unit {
    WORDS,
    CHARACTERS,
    BYTES
  }

  private final Unit unit;

  TextLength(Unit unit) {
    this.unit = unit;
  }

  @Override
  public String name() {
    return "length";
  }

  @Override
  public Direction direction() {
    return Direction.NEITHER;
  }

  @Override
  public Set<Need> needs() {
    return Set.of(Need.GENERATION);
  }

  @Override
  public ItemScore score(Item item) {
    String text = item.generation();
    return ItemScore.of(
        switch (unit) {
          case WORDS -> PythonText.split(text).size();
          case CHARACTERS -> text.codePointCount(0, text.length());
          case BYTES -> text.getBytes(StandardCharsets.UTF_8).length;
        });
  }
}
