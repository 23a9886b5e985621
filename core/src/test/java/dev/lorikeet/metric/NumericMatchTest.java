package dev.lorikeet.metric;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.DataException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Numbers as people write them, and tolerances computed with fractions (make_numbers). */
class NumericMatchTest {

  @Test
  void numbersAreReadAsPeopleWriteThem() {
    for (JsonNode one : ReferenceCases.with("numbers", "numbers")) {
      List<String> expected = new ArrayList<>();
      one.path("numbers")
          .forEach(n -> expected.add(n.path("value").asString() + n.path("percent").asBoolean()));
      Quantity.Decimal decimal =
          Quantity.Decimal.valueOf(one.path("decimal").asString().toUpperCase(Locale.ROOT));
      List<String> found =
          Quantity.all(one.path("text").asString(), decimal).stream()
              .map(n -> fraction(n) + (n.unit() == Quantity.Unit.PERCENT))
              .toList();
      assertEquals(expected, found, one.path("text").asString());
    }
  }

  @Test
  void tolerancesAreExact() {
    for (JsonNode one : ReferenceCases.with("numbers", "right")) {
      Quantity answer = quantity(one.path("answer").asString());
      Quantity expected = quantity(one.path("expected").asString());
      assertEquals(
          one.path("right").asBoolean(),
          answer.isNear(
              expected,
              new BigDecimal(one.path("absolute").asString()),
              new BigDecimal(one.path("relative").asString())),
          one.toString());
    }
  }

  @Test
  void theLastNumberCountsUnlessTheFirstIsAskedFor() {
    String answer = "I add 3 and 4, which gives 7.";
    assertEquals(1, score("numeric_match", answer, "7"));
    assertEquals(1, score("numeric_match(pick=first)", answer, "3"));
    assertEquals(0, score("numeric_match", "no number", "7"));
  }

  @Test
  void percentSignsAreHundredthsUnlessIgnored() {
    assertEquals(1, score("numeric_match", "45 %", "0.45"));
    assertEquals(0, score("numeric_match", "45 %", "45"));
    assertEquals(1, score("numeric_match(percent=ignore)", "45 %", "45"));
  }

  @Test
  void roundedThirdsAreNearOnesOnly() {
    assertEquals(0, score("numeric_match", "0.333", "1/3"));
    assertEquals(1, score("numeric_match(relative=0.01)", "0.333", "1/3"));
  }

  @Test
  void anExpectedAnswerWithoutNumberIsTheDataSMistake() {
    DataException wrong =
        assertThrows(DataException.class, () -> score("numeric_match", "1", "many"));
    assertTrue(wrong.getMessage().contains("Item 1"), wrong.getMessage());
    assertTrue(wrong.getMessage().contains("\"many\" has none"), wrong.getMessage());
  }

  private static double score(String spec, String answer, String expected) {
    return ReferenceCases.score(ReferenceCases.metric(spec), answer, expected);
  }

  private static Quantity quantity(String fraction) {
    String[] parts = fraction.split("/", -1);
    return new Quantity(new BigInteger(parts[0]), new BigInteger(parts[1]), Quantity.Unit.NONE);
  }

  /** As Python prints a reduced fraction. */
  private static String fraction(Quantity number) {
    BigInteger common = number.numerator().gcd(number.denominator());
    BigInteger bottom = number.denominator().divide(common);
    BigInteger top = number.numerator().divide(common);
    return bottom.equals(BigInteger.ONE) ? top.toString() : top + "/" + bottom;
  }
}
