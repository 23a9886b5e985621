package dev.lorikeet.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Draws against CPython's own, recorded by {@code reference/make_eval.py}. */
@NullMarked
final class PythonRandomTest {
  @Test
  void drawsAreThoseOfPython() {
    for (JsonNode expected : HarnessFixtures.json("python_random.json")) {
      PythonRandom random = new PythonRandom(expected.get("seed").longValue());
      for (JsonNode bits : expected.get("bits")) {
        assertEquals(bits.longValue(), Integer.toUnsignedLong(random.nextInt()));
      }
      for (JsonNode below : expected.get("below")) {
        assertEquals(below.get(1).intValue(), random.below(below.get(0).intValue()));
      }
      for (JsonNode sample : expected.get("samples")) {
        List<Integer> population = numbers(sample.get(0).intValue());
        assertEquals(numbers(sample.get(2)), random.sample(population, sample.get(1).intValue()));
      }
      for (JsonNode shuffled : expected.get("shuffled")) {
        assertEquals(List.of(0), random.sample(List.of(0), 1));
        List<Integer> list = numbers(shuffled.size());
        random.shuffle(list);
        assertEquals(numbers(shuffled), list);
      }
    }
  }

  @Test
  void moreThanThePopulationHasCannotBeDrawn() {
    assertThrows(
        IllegalArgumentException.class, () -> new PythonRandom(1).sample(List.of(1, 2), 3));
    assertThrows(IllegalArgumentException.class, () -> new PythonRandom(-1));
  }

  private static List<Integer> numbers(int count) {
    return new ArrayList<>(IntStream.range(0, count).boxed().toList());
  }

  private static List<Integer> numbers(JsonNode node) {
    List<Integer> numbers = new ArrayList<>();
    node.forEach(number -> numbers.add(number.intValue()));
    return numbers;
  }
}
