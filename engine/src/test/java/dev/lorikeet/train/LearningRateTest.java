package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.fixture.Fixture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

@Tag("reference")
final class LearningRateTest {
  /** The same formula in double, perhaps with its factors in another order. */
  private static final double RELATIVE_TOLERANCE = 8 * 0x1p-53;

  @Test
  void ratesAreThoseOfTransformersSchedulers() {
    JsonNode cases = Fixture.json("schedules/schedules.json");
    int rates = 0;
    for (JsonNode settings : cases) {
      LearningRate rate =
          new LearningRate(
              settings.get("learning_rate").asDouble(),
              shape(settings.get("schedule").asString(), settings.get("numbers")),
              settings.get("warmup_steps").asLong(),
              settings.get("total_steps").asLong());
      double tolerance = RELATIVE_TOLERANCE * rate.peak();
      int step = 0;
      for (JsonNode expected : settings.get("rates")) {
        assertEquals(expected.asDouble(), rate.at(step), tolerance, rate + " in step " + step);
        step++;
      }
      rates += step;
    }
    assertEquals(110, cases.size());
    assertTrue(rates > 3000, rates + " rates");
  }

  @Test
  void aMinimumOfNothingIsThePlainCosine() {
    LearningRate plain = new LearningRate(1, new ScheduleShape.Cosine(0), 3, 20);
    LearningRate restarted = new LearningRate(1, new ScheduleShape.CosineWithRestarts(1), 3, 20);
    for (int step = 0; step < 20; step++) {
      assertEquals(plain.at(step), restarted.at(step));
    }
    assertEquals(0, plain.at(0));
    assertEquals(1, plain.at(3));
  }

  private static ScheduleShape shape(String name, JsonNode numbers) {
    return switch (name) {
      case "constant_with_warmup" -> new ScheduleShape.Constant();
      case "linear" -> new ScheduleShape.Linear();
      case "cosine" -> new ScheduleShape.Cosine(0);
      case "cosine_with_min_lr" -> new ScheduleShape.Cosine(numbers.get("min_lr_rate").asDouble());
      case "cosine_with_restarts" ->
          new ScheduleShape.CosineWithRestarts(numbers.get("num_cycles").asInt());
      case "polynomial" ->
          new ScheduleShape.Polynomial(
              numbers.get("power").asDouble(), numbers.get("lr_end_ratio").asDouble());
      case "warmup_stable_decay" ->
          new ScheduleShape.WarmupStableDecay(
              numbers.get("num_decay_steps").asLong(), numbers.get("min_lr_ratio").asDouble());
      default -> throw new IllegalStateException(name);
    };
  }
}
