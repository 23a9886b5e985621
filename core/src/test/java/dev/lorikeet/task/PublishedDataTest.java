package dev.lorikeet.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Whole published files become as many items as their authors say. Skipped where data is absent.
 */
@NullMarked
final class PublishedDataTest {
  private static final Map<String, Integer> SIZES =
      Map.of(
          "truthfulqa_mc1", 817,
          "truthfulqa_mc2", 817,
          "hellaswag", 10_042,
          "piqa", 1838,
          "lambada_openai", 5153,
          "gsm8k", 1319,
          "blimp_causative", 1000,
          "arithmetic_4ds", 2000,
          "mmlu", 14_079);

  @TestFactory
  Stream<DynamicTest> filesAreReadWhole() {
    assumeTrue(
        Files.isDirectory(HarnessFixtures.SHARED),
        "shared data is absent: " + HarnessFixtures.SHARED);
    TaskData data =
        new TaskData(Stream.of("eval", "instruct").map(HarnessFixtures.SHARED::resolve).toList());
    return SIZES.entrySet().stream()
        .map(size ->
            dynamicTest(
                size.getKey(), () -> assertEquals(size.getValue(), count(size.getKey(), data))));
  }

  private static int count(String name, TaskData data) {
    List<Task> tasks = Tasks.select(name).tasks();
    return tasks.stream().mapToInt(task -> task.items(data, 0).size()).sum();
  }
}
