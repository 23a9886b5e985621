package dev.lorikeet.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What lm-evaluation-harness of October 2023 (commit b0686dd9) did otherwise. */
@NullMarked
final class Definitions2023Test {
  @TempDir private Path folder;

  @Test
  void mc2EndedAtTheFirstFalseAnswer() throws IOException {
    Files.createDirectories(folder.resolve("truthfulqa"));
    Files.writeString(
        folder.resolve("truthfulqa/mc_task.json"),
        "[{\"question\": \"?\", \"mc1_targets\": {\"a\": 1, \"b\": 0},"
            + " \"mc2_targets\": {\"a\": 1, \"b\": 0, \"c\": 1}}]");
    List<Answer> answers = scored(Math.log(0.1), Math.log(0.3), Math.log(0.4));
    assertEquals(0.5 / 0.8, accuracy("truthfulqa_mc2", answers), 1e-12);
    assertEquals(0.1 / 0.8, accuracy("truthfulqa_mc2@2023", answers), 1e-12);
  }

  @Test
  void mc2OfImprobableAnswersIsANumber() throws IOException {
    Files.createDirectories(folder.resolve("truthfulqa"));
    Files.writeString(
        folder.resolve("truthfulqa/mc_task.json"),
        "[{\"question\": \"?\", \"mc2_targets\": {\"choices\": [\"a\", \"b\"], \"labels\": [1, 0]}}]");
    assertEquals(0.5, accuracy("truthfulqa_mc2", scored(-2000, -2000)), 1e-12);
  }

  @Test
  void sentencesOfBlimpHadNoSpaceAndEqualOnesWereWrong() throws IOException {
    Files.createDirectories(folder.resolve("blimp"));
    Files.writeString(
        folder.resolve("blimp/causative.jsonl"),
        "{\"sentence_good\": \"Good.\", \"sentence_bad\": \"Bad.\"}");
    assertEquals(
        List.of(new Request.LogLikelihood("", " Good."), new Request.LogLikelihood("", " Bad.")),
        item("blimp_causative").requests());
    assertEquals(
        List.of(new Request.LogLikelihood("", "Good."), new Request.LogLikelihood("", "Bad.")),
        item("blimp_causative@2023").requests());
    assertEquals(1, accuracy("blimp_causative", scored(-3, -3)));
    assertEquals(0, accuracy("blimp_causative@2023", scored(-3, -3)));
    assertEquals(1, accuracy("blimp_causative@2023", scored(-2, -3)));
  }

  @Test
  void gsm8kEndedAtColonsAndOnlyMarkedNumbersCounted() {
    TaskData own = TaskData.of(HarnessFixtures.OWN);
    Item item =
        Tasks.find("gsm8k@2023").items(own, 0).stream()
            .filter(each -> each.expected().equals("2000"))
            .findFirst()
            .orElseThrow();
    assertEquals(
        List.of(":", "Question:", "Question"),
        ((Request.Generation) item.requests().getFirst()).stops());
    assertEquals(1, value(item, List.of(new Answer.Generated(" so\n#### 2,000"))));
    assertEquals(0, value(item, List.of(new Answer.Generated(" so 2000"))));
  }

  /** Python: r = random.Random(42); d = list(range(5)); r.shuffle(d); r.sample(range(5), 2), … */
  @Test
  void documentsWereShuffledByTheGeneratorThatDrewTheExamples() {
    TaskData own = TaskData.of(HarnessFixtures.OWN);
    PythonRandom random = new PythonRandom(42);
    List<Integer> order = new ArrayList<>(IntStream.range(0, 5).boxed().toList());
    random.shuffle(order);
    List<Item> items = Tasks.find("winogrande@2023").items(own, 2);
    assertEquals(
        order.stream().map(String::valueOf).toList(), items.stream().map(Item::id).toList());
    assertEquals(List.of(3, 1, 2, 4, 0), order);
    assertNotEquals(
        items.getFirst().requests(), Tasks.find("winogrande").items(own, 2).get(3).requests());
  }

  private static List<Answer> scored(double... sums) {
    return Arrays.stream(sums).<Answer>mapToObj(sum -> new Answer.Scored(sum, false)).toList();
  }

  private Item item(String task) {
    return Tasks.find(task).items(TaskData.of(folder), 0).getFirst();
  }

  private double accuracy(String task, List<Answer> answers) {
    return value(item(task), answers);
  }

  private static double value(Item item, List<Answer> answers) {
    Map<String, MetricValue> values = item.score(answers);
    return values.getOrDefault("acc", MetricValue.of(Double.NaN)).value();
  }
}
