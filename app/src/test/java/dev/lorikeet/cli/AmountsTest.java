package dev.lorikeet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class AmountsTest {
  @Test
  void durationsAreReadAtAGlance() {
    assertEquals("4.2 s", Amounts.duration(Duration.ofMillis(4200)));
    assertEquals("3 min 05 s", Amounts.duration(Duration.ofSeconds(185)));
    assertEquals("1 h 02 min", Amounts.duration(Duration.ofMinutes(62)));
  }

  @Test
  void bytesHaveTheUnitThatSuitsThem() {
    assertEquals("715 bytes", Amounts.bytes(715));
    assertEquals("98.6 KiB", Amounts.bytes(100_968));
    assertEquals("4.0 MiB", Amounts.bytes(4L << 20));
    assertEquals("1.5 GiB", Amounts.bytes(3L << 29));
  }

  @Test
  void sharesOfAnySizeKeepThreeDigits() {
    assertEquals("100 %", Amounts.percent(1));
    assertEquals("0 %", Amounts.percent(0));
    assertEquals("15.1 %", Amounts.percent(0.15098));
    assertEquals("8.57 %", Amounts.percent(0.0857));
    assertEquals("0.0622 %", Amounts.percent(0.000622));
  }

  @Test
  void ratesAndCountsHaveCommas() {
    assertEquals("6,738,415,616", Amounts.count(6_738_415_616L));
    assertEquals("5,123 tokens/s", Amounts.tokensPerSecond(5123.4));
    assertEquals("7.6 tokens/s", Amounts.tokensPerSecond(7.62));
  }
}
