package dev.lorikeet.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;

final class TimingsTest {

  @Test
  void theMedianIsTheMiddleOrTheMeanOfTheTwoInTheMiddle() {
    assertEquals(new Timings(2, 1, 9), Timings.of(List.of(9.0, 1.0, 2.0)));
    assertEquals(new Timings(2.5, 1, 9), Timings.of(List.of(9.0, 1.0, 2.0, 3.0)));
  }

  @Test
  void ratiosAreOfRunsThatFollowedEachOther() {
    assertEquals(
        new Timings(2, 1, 4), Timings.ratios(List.of(2.0, 8.0, 3.0), List.of(1.0, 2.0, 3.0)));
    assertThrows(
        IllegalStateException.class, () -> Timings.ratios(List.of(1.0), List.of(1.0, 2.0)));
  }

  @Test
  void theRangeFollowsTheMedian() {
    assertEquals("2.0 (1.0–9.3)", Timings.of(List.of(9.25, 1.0, 2.0)).text(1));
  }

  @Test
  void nothingHasNoMedian() {
    assertThrows(IllegalStateException.class, () -> Timings.of(List.of()));
  }
}
