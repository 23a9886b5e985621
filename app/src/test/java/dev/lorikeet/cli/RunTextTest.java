package dev.lorikeet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class RunTextTest {
  @Test
  void numbersHaveFiveDigitsAtMostFourOfThemDecimals() {
    assertEquals("1.2346", RunText.number(1.23456));
    assertEquals("0.0012", RunText.number(0.00123456));
    assertEquals("12.346", RunText.number(12.3456));
    assertEquals("123,456", RunText.number(123456.4));
    assertEquals("6,738,415,616", RunText.number(6738415616.0));
    assertEquals("0.000200", RunText.number(2e-4));
    assertEquals("-0.5000", RunText.number(-0.5));
    assertEquals("0", RunText.number(0));
    assertEquals("NaN", RunText.number(Double.NaN));
    assertEquals("-", RunText.number(OptionalDouble.empty()));
  }
}
