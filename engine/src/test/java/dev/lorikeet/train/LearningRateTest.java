package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lorikeet.config.TrainSettings.Schedule;
import dev.lorikeet.fixture.Fixture;
import java.util.Locale;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

@Tag("reference")
final class LearningRateTest {
  /** The same formula in double, perhaps with its factors in another order. */
  private static final double RELATIVE_TOLERANCE = 4 * 0x1p-53;

  @Test
  void ratesAreThoseOfTransformersSchedulers() {
    JsonNode cases = Fixture.json("optim/schedules.json");
    for (JsonNode schedule : cases) {
      String name = schedule.get("schedule").asString().toUpperCase(Locale.ROOT);
      LearningRate rate =
          new LearningRate(
              schedule.get("learning_rate").asDouble(),
              Schedule.valueOf(name),
              schedule.get("warmup_steps").asLong(),
              schedule.get("total_steps").asLong());
      JsonNode rates = schedule.get("rates");
      for (int step = 0; step < rates.size(); step++) {
        double expected = rates.get(step).asDouble();
        double tolerance = RELATIVE_TOLERANCE * rate.peak();
        assertEquals(expected, rate.at(step), tolerance, rate + " in step " + step);
      }
      assertEquals(50, rates.size());
    }
    assertEquals(18, cases.size());
  }
}
