package dev.lorikeet.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.lorikeet.task.HarnessFixtures.Case;
import dev.lorikeet.task.HarnessFixtures.Sample;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;

/**
 * Every task asks what lm-evaluation-harness asks, and makes of its log-likelihoods what it makes.
 *
 * <p>Fixtures: {@code reference/make_eval.py}. Metrics are sums of doubles over few items; 1e-9 of
 * their size is far above their rounding.
 */
@NullMarked
@Tag("reference")
final class HarnessAgreementTest {
  private static final double TOLERANCE = 1e-9;
  private static final String OF_2023 = "own-2023.json";

  @TestFactory
  Stream<DynamicTest> ownDocumentsAreAskedAndScoredAlike() {
    TaskData data = TaskData.of(HarnessFixtures.OWN);
    return Stream.of("own-tiny.json", "own-stories260K.json", "own-scripted.json")
        .flatMap(file -> tests(file, data, Count.ALL));
  }

  /**
   * {@code reference/make_eval_2023.py}; a task without a year of its own had the same definition.
   */
  @TestFactory
  Stream<DynamicTest> definitionsOf2023AreAskedAndScoredAlike() {
    return tests(OF_2023, TaskData.of(HarnessFixtures.OWN), Count.ALL);
  }

  @TestFactory
  Stream<DynamicTest> publishedDocumentsAreAskedAndScoredAlike() {
    TaskData data = shared();
    return Stream.of("shared-tiny.json", "shared-stories260K.json")
        .flatMap(file -> tests(file, data, Count.FIRST));
  }

  @Test
  void groupsAreTheHarnesssMeans() {
    for (String model : List.of("tiny", "stories260K")) {
      Map<String, TaskScore> scores = new HashMap<>();
      for (Case each : HarnessFixtures.cases("shared-" + model + ".json")) {
        if (each.shots() == 0) {
          scores.put(each.task(), new TaskScore(each.task(), each.samples().size(), each.scores()));
        }
      }
      JsonNode expected = HarnessFixtures.json("groups-" + model + ".json");
      for (Map.Entry<String, JsonNode> group : expected.properties()) {
        assertEquals(
            group.getValue().get("acc").doubleValue(),
            mean(group.getKey(), scores),
            TOLERANCE,
            group.getKey());
      }
    }
  }

  /** The score of a group over those of its tasks that the data at hand has. */
  private static double mean(String name, Map<String, TaskScore> scores) {
    TaskGroup group = Tasks.select(name).group().orElseThrow();
    List<String> present = group.tasks().stream().filter(scores::containsKey).toList();
    List<TaskScore> ours = new ArrayList<>(scores.values());
    TaskScore score = new TaskGroup(name, group.version(), present, group.weighting()).score(ours);
    return score.metrics().getOrDefault("acc", Double.NaN);
  }

  @Test
  void groupsHaveTheHarnesssTasks() {
    for (Map.Entry<String, JsonNode> group : HarnessFixtures.json("groups.json").properties()) {
      List<String> expected = new ArrayList<>();
      group.getValue().forEach(task -> expected.add(task.asString()));
      List<String> found = Tasks.select(group.getKey()).group().orElseThrow().tasks();
      assertEquals(expected.stream().sorted().toList(), found.stream().sorted().toList());
    }
  }

  /** How many of a file's documents the harness was given. */
  private enum Count {
    ALL,
    FIRST
  }

  private static Stream<DynamicTest> tests(String file, TaskData data, Count count) {
    return HarnessFixtures.cases(file).stream()
        .map(
            each -> dynamicTest(file + ": " + each.title(), () -> agrees(file, each, data, count)));
  }

  private static void agrees(String file, Case expected, TaskData data, Count count) {
    Task task = Tasks.find(expected.task());
    boolean isToday = !file.equals(OF_2023);
    if (isToday || expected.task().endsWith("@2023")) {
      assertEquals(expected.version(), task.info().version() + (isToday ? ".0" : ""));
    }
    List<Item> items = task.items(data, expected.shots());
    if (!isToday && !expected.task().endsWith("@2023")) {
      items = inOrderOf(expected, items);
    }
    int size = expected.samples().size();
    assertTrue(count == Count.ALL ? items.size() == size : items.size() >= size);
    List<Map<String, MetricValue>> values = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      Sample sample = expected.samples().get(i);
      Item item = items.get(i);
      assertEquals(sample.id(), item.id());
      sameRequests(sample.requests(), item.requests());
      Map<String, MetricValue> found = item.score(sample.answers());
      sample.metrics().forEach((metric, value) -> sameValue(metric, value, found));
      values.add(found);
    }
    TaskScore score = task.score(values);
    assertEquals(expected.scores().keySet(), score.metrics().keySet());
    expected
        .scores()
        .forEach((metric, value) ->
            assertEquals(
                value,
                score.metrics().getOrDefault(metric, Double.NaN),
                TOLERANCE * Math.max(1, value),
                metric));
  }

  /** Today's items in the order in which the harness of 2023 asked them. */
  private static List<Item> inOrderOf(Case expected, List<Item> items) {
    List<String> ids = expected.samples().stream().map(Sample::id).toList();
    return items.stream().sorted(Comparator.comparingInt(item -> ids.indexOf(item.id()))).toList();
  }

  private static void sameRequests(JsonNode expected, List<Request> requests) {
    assertEquals(expected.size(), requests.size());
    for (int i = 0; i < requests.size(); i++) {
      JsonNode request = expected.get(i);
      List<String> texts = HarnessFixtures.texts(requests.get(i));
      if (request.has("texts")) {
        List<String> wanted = new ArrayList<>();
        request.get("texts").forEach(text -> wanted.add(text.asString()));
        assertEquals(wanted, texts);
      } else {
        assertEquals(
            request.get("sha256").asString(), HarnessFixtures.sha256(texts), texts::toString);
      }
      if (requests.get(i) instanceof Request.Generation generation) {
        List<String> stops = new ArrayList<>();
        request.get("until").forEach(stop -> stops.add(stop.asString()));
        assertEquals(stops, generation.stops());
      }
    }
  }

  private static void sameValue(String metric, JsonNode expected, Map<String, MetricValue> found) {
    MetricValue value = found.get(metric);
    assertTrue(value != null, () -> "no value of " + metric + " in " + found);
    double wanted = expected.isArray() ? expected.get(0).doubleValue() : expected.doubleValue();
    assertEquals(wanted, value.value(), TOLERANCE * Math.max(1, Math.abs(wanted)), metric);
    assertEquals(expected.isArray() ? expected.get(1).doubleValue() : 1, value.weight(), metric);
  }

  private static TaskData shared() {
    assumeTrue(
        Files.isDirectory(HarnessFixtures.SHARED),
        "shared data is absent: " + HarnessFixtures.SHARED);
    return new TaskData(
        Stream.of("eval", "instruct", "text").map(HarnessFixtures.SHARED::resolve).toList());
  }
}
