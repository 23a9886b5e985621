package dev.lorikeet.metric;

import dev.lorikeet.error.DataException;
import java.math.BigDecimal;
import java.util.List;

/**
 * Whether a number in the answer is an expected one: |answer − expected| ≤ max(absolute,
 * relative·|expected|), exactly computed; how numbers are read says {@link Quantity}. An answer
 * without a number is wrong.
 */
final class NumericMatch implements Metric {
  private final Reading reading;
  private final BigDecimal absolute;
  private final BigDecimal relative;

  /** Which of several numbers of a text counts. */
  enum Pick {
    FIRST,
    LAST
  }

  /** What a percent sign means. */
  enum Percent {
    /** A hundredth: 45 % equals 0.45. */
    SHARE,
    /** Nothing: 45 % equals 45. */
    IGNORE
  }

  /** How numbers are found in a text. */
  record Reading(Pick pick, Percent percent, Quantity.Decimal decimal) {}

  NumericMatch(Reading reading, BigDecimal absolute, BigDecimal relative) {
    this.reading = reading;
    this.absolute = absolute;
    this.relative = relative;
  }

  @Override
  public String name() {
    return "numeric_match";
  }

  @Override
  public Aggregation aggregation() {
    return new Aggregation.Share();
  }

  @Override
  public ItemScore score(Item item) {
    List<Quantity> answer = numbers(item.generation());
    boolean right = false;
    for (String reference : item.references()) {
      List<Quantity> expected = numbers(reference);
      if (expected.isEmpty()) {
        throw new DataException(
            "Item "
                + item.id()
                + ": numeric_match compares numbers, but the expected answer \""
                + reference
                + "\" has none; correct the item or choose another metric");
      }
      right |= !answer.isEmpty() && picked(answer).isNear(picked(expected), absolute, relative);
    }
    return ItemScore.right(right);
  }

  private List<Quantity> numbers(String text) {
    return Quantity.all(text, reading.decimal);
  }

  private Quantity picked(List<Quantity> numbers) {
    Quantity number =
        switch (reading.pick) {
          case FIRST -> numbers.getFirst();
          case LAST -> numbers.getLast();
        };
    return reading.percent == Percent.SHARE ? number.asShare() : number;
  }
}
