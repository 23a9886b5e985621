package dev.lorikeet.metric;

import dev.lorikeet.error.FormatException;
import dev.lorikeet.error.RunException;
import dev.lorikeet.format.AtomicFile;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What an evaluation found item by item: the file {@code items.jsonl} of a run.
 *
 * <p>JSON lines in UTF-8, written as a whole or not at all. The first line is the {@link Header}:
 *
 * <pre>{"schema":"lorikeet-items","version":1,"task":…,"task_version":…,"task_sha256":…,
 * "data_sha256":…,"population":…,"model":…,"seed":…,"metrics":[…],"items":…}</pre>
 *
 * <p>and each further line an {@link ItemResult}:
 *
 * <pre>{"id":…,"group":…,"generation":…,"scores":{"bleu":{"value":…,"parts":{"correct1":…}}}}</pre>
 *
 * <p>{@code group}, {@code generation} and {@code parts} are left out where there are none. {@code
 * items} is the number of lines that follow, so that a cut file is known.
 */
public record ItemResults(Header header, List<ItemResult> items) {

  /**
   * What was evaluated.
   *
   * @param task name and version of the task, with the hash of its definition
   * @param dataSha256 hash of the data file
   * @param population items in the data file; more than were scored where a sample was drawn
   * @param model where the model came from
   * @param seed of the sample and of the bootstrap
   * @param metrics as asked for, with options: the keys of each item's scores
   */
  public record Header(
      TaskIdentity task,
      String dataSha256,
      int population,
      String model,
      long seed,
      List<String> metrics) {
    public Header {
      metrics = List.copyOf(metrics);
    }
  }

  /**
   * Which definition of a task.
   *
   * @param sha256 hash of everything that shapes prompts and scores
   */
  public record TaskIdentity(String name, String version, String sha256) {}

  /**
   * One item's scores.
   *
   * @param group as in {@link Item#group}
   * @param generation what the model wrote
   * @param scores by metric, as the header names them; keeps its order
   */
  public record ItemResult(
      String id,
      Optional<String> group,
      Optional<String> generation,
      Map<String, ItemScore> scores) {
    public ItemResult {
      scores = Collections.unmodifiableMap(new LinkedHashMap<>(scores));
    }
  }

  public ItemResults {
    items = List.copyOf(items);
    Set<String> ids = new HashSet<>();
    Set<String> metrics = Set.copyOf(header.metrics);
    for (ItemResult item : items) {
      if (!ids.add(item.id)) {
        throw new IllegalStateException("two items are named " + item.id);
      }
      if (!item.scores.keySet().equals(metrics)) {
        throw new IllegalStateException(
            "item " + item.id + " has scores of " + item.scores.keySet() + ", not of " + metrics);
      }
    }
  }

  /**
   * Writes the file.
   *
   * @throws RunException if that fails; an older file is still whole
   */
  public void write(Path file) {
    AtomicFile.write(
        file,
        stream -> {
          stream.write(line(ItemJson.of(header, items.size())));
          for (ItemResult item : items) {
            stream.write(line(ItemJson.of(item)));
          }
        });
  }

  private static byte[] line(Map<String, Object> json) {
    return (ItemJson.text(json) + "\n").getBytes(StandardCharsets.UTF_8);
  }

  /**
   * Reads a file.
   *
   * @throws FormatException if it is not such a file, is cut or damaged, or of a later version
   */
  public static ItemResults read(Path file) {
    try (BufferedReader lines = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      ItemJson.Reader reader = new ItemJson.Reader(file);
      String first = lines.readLine();
      ItemJson.Reader.Head head = reader.head(first == null ? "" : first);
      List<ItemResult> items = new ArrayList<>();
      Set<String> ids = new HashSet<>();
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        ItemResult item = reader.item(line, items.size() + 2, head.header().metrics());
        if (!ids.add(item.id)) {
          throw new FormatException(
              file, "line " + (items.size() + 2), "a second item is named " + item.id);
        }
        items.add(item);
      }
      if (items.size() != head.items()) {
        throw new FormatException(
            file,
            "holds %d items, but its first line says %d: it is cut. Copy or make it again."
                .formatted(items.size(), head.items()));
      }
      return new ItemResults(head.header(), items);
    } catch (IOException failure) {
      throw new FormatException(file, "cannot be read: " + failure.getMessage(), failure);
    }
  }

  /** The scores of all items in {@code metric}, one of the header's. */
  public Scores scores(String metric, MetricRegistry registry) {
    return new Scores(
        registry.create(MetricSpec.parse(metric)),
        items.stream().map(item -> scoreOf(item, metric)).toList(),
        Scores.groups(
            items.stream().map(ItemResult::id).toList(),
            items.stream().map(ItemResult::group).toList()));
  }

  static ItemScore scoreOf(ItemResult item, String metric) {
    ItemScore score = item.scores.get(metric);
    if (score == null) {
      throw new IllegalStateException("item " + item.id + " has no score of " + metric);
    }
    return score;
  }
}
