package dev.lorikeet.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.Recipe;
import dev.lorikeet.config.RunConfig;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several sources with weights. */
class SourcesTest {
  @TempDir private Path temporary;
  private DataFolder data = new DataFolder(Path.of("."));

  @BeforeEach
  void open() {
    data = new DataFolder(temporary);
  }

  @Test
  void sourcesOfAnyFormatFollowEachOther() {
    Path lines = data.write("a.jsonl", "{\"prompt\": \"A\", \"completion\": \"a\"}\n");
    Path table = data.write("b.csv", "q,r\nB,b\n");
    Path text = data.write("c.txt", "C");
    DataFolder.Loaded loaded =
        load(
            0,
            "{path: '" + lines + "'}",
            "{path: '" + table + "', columns: {prompt: q, response: r}}",
            "{path: '" + text + "'}");
    assertEquals(
        List.of("<|begin|>A⟦a<|end|>⟧", "<|begin|>B⟦b<|end|>⟧", "<|begin|>⟦C<|end|>⟧"),
        loaded.texts());
    assertEquals(List.of(0L, 1L, 2L), loaded.train().stream().map(Example::id).toList());
    assertEquals(3, loaded.report().records());
  }

  @Test
  void theSourceAloneAndAmongOthersGivesTheSameExamples() {
    Path file = numbered("a.jsonl", "a", 20);
    assertEquals(
        data.load(file).train(), load(0, "{path: '" + file + "'}").train(), "byte for byte");
  }

  @Test
  void aWholeWeightRepeatsEveryRecord() {
    Path once = numbered("a.jsonl", "a", 5);
    Path thrice = numbered("b.jsonl", "b", 4);
    Map<String, Long> counts =
        counts(load(0, "{path: '" + once + "'}", "{path: '" + thrice + "', weight: 3}"));
    assertEquals(9, counts.size());
    counts.forEach((text, count) -> assertEquals(text.contains(">b") ? 3 : 1, count, text));
  }

  @Test
  void aPartOfAWeightIsDrawnForEachRecordFromTheSeed() {
    Path file = numbered("a.jsonl", "a", 2000);
    DataFolder.Loaded quarter = load(0, "{path: '" + file + "', weight: 0.25}");
    // Binomial: mean 500, standard deviation 19.4; five of them.
    assertTrue(Math.abs(500 - quarter.texts().size()) <= 97, quarter.texts().size() + " taken");
    assertEquals(quarter.texts().size(), quarter.report().records());
    assertEquals(quarter.texts(), load(0, "{path: '" + file + "', weight: 0.25}").texts());
    Map<String, Long> counts = counts(load(0, "{path: '" + file + "', weight: 1.25}"));
    assertEquals(2000, counts.size());
    long twice = counts.values().stream().filter(count -> count == 2).count();
    assertTrue(Math.abs(500 - twice) <= 97, twice + " taken twice");
    Path other = numbered("b.jsonl", "b", 7);
    DataFolder.Loaded before =
        load(0, "{path: '" + file + "', weight: 0.25}", "{path: '" + other + "'}");
    assertEquals(quarter.texts(), before.texts().subList(0, quarter.texts().size()));
  }

  @Test
  void copiesOfAHeldOutRecordAreNotTrainedOn() {
    Path file = numbered("a.jsonl", "a", 40);
    DataFolder.Loaded all = load(0, "{path: '" + file + "', weight: 2}");
    DataFolder.Loaded train = load(0.25, "{path: '" + file + "', weight: 2}");
    assertEquals(80, all.texts().size());
    assertEquals(60, train.texts().size());
    assertEquals(30, new HashSet<>(train.texts()).size());
    assertEquals(40, train.report().records());
  }

  @Test
  void sourcesThatGiveNothingAreNamed() {
    Path good = numbered("a.jsonl", "a", 3);
    Path empty = data.write("e.jsonl", "\n");
    RunConfig config = config(0, "{path: '" + good + "'}", "{path: '" + empty + "'}");
    dev.lorikeet.error.DataException e =
        org.junit.jupiter.api.Assertions.assertThrows(
            dev.lorikeet.error.DataException.class, () -> data.load(config, Optional.empty()));
    assertTrue(String.valueOf(e.getMessage()).equals("data file " + empty + " holds no record"));
  }

  private static Map<String, Long> counts(DataFolder.Loaded loaded) {
    return loaded.texts().stream()
        .collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
  }

  private DataFolder.Loaded load(double validation, String... sources) {
    return data.load(config(validation, sources), Optional.empty());
  }

  private static RunConfig config(double validation, String... sources) {
    return Recipe.parse(
        "model: {path: nano}\ndata: {validation: "
            + validation
            + ", sources: ["
            + String.join(", ", sources)
            + "]}\n",
        "test",
        List.of());
  }

  private Path numbered(String name, String word, int count) {
    return data.write(
        name,
        IntStream.range(0, count)
            .mapToObj(i -> "{\"prompt\": \"" + word + i + "\", \"completion\": \"x\"}")
            .collect(Collectors.joining("\n")));
  }
}
