package dev.lorikeet.job;

import dev.lorikeet.config.AdapterSettings.Technique;
import dev.lorikeet.config.Recipe;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.RunException;
import dev.lorikeet.eval.ExactMatch;
import dev.lorikeet.eval.ExactMatch.Item;
import dev.lorikeet.format.AtomicFile;
import dev.lorikeet.nano.Tickets;
import dev.lorikeet.nano.Tickets.Row;
import dev.lorikeet.quant.QuantizationScheme;
import dev.lorikeet.torch.Device;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;

/**
 * The whole way on what is inside the jar: the base model {@code nano} learns to turn customer
 * messages into tickets, and is asked the test messages before and after.
 */
public final class Quickstart {
  private static final String RECIPE = "/dev/lorikeet/job/quickstart.yaml";
  private static final long TICKETS_SEED = 42;

  private Quickstart() {}

  /** What quickstart says between the events of the fine-tuning. */
  public interface Listener extends RunListener {
    /** The untouched model has answered the test messages. */
    default void base(ExactMatch.Result result, Duration time) {}
  }

  /**
   * What came out.
   *
   * @param config the recipe with every change
   * @param base answers of the untouched model
   * @param tuned answers of the tuned model, to the same test messages
   * @param training what the fine-tuning gave
   * @param total wall time of everything
   */
  public record Outcome(
      RunConfig config,
      ExactMatch.Result base,
      ExactMatch.Result tuned,
      FineTuneResult training,
      Duration total) {}

  /**
   * Writes the data set, asks, tunes, asks again.
   *
   * @param outputDir where data and run go
   * @param overrides of the recipe, {@code key=value}
   */
  public static Outcome run(
      Path outputDir, List<String> overrides, FineTuneOptions options, Listener listener) {
    long start = System.nanoTime();
    Tickets tickets = new Tickets(TICKETS_SEED);
    Path data = outputDir.resolve("tickets");
    writeData(data, tickets);
    RunConfig config = Recipe.parse(recipe(), "quickstart", all(overrides, outputDir, data));
    List<Item> test =
        tickets.test().stream().map(row -> new Item(row.prompt(), row.completion())).toList();
    ExactMatch.Result base = ask(config, config.model().path(), Optional.empty(), test);
    listener.base(base, Duration.ofNanos(System.nanoTime() - start));
    FineTuneResult training = FineTuning.run(config, options, listener);
    boolean full = config.adapter().technique() == Technique.FULL;
    ExactMatch.Result tuned =
        full
            ? ask(config, training.output().toString(), Optional.empty(), test)
            : ask(config, config.model().path(), Optional.of(training.output()), test);
    return new Outcome(config, base, tuned, training, Duration.ofNanos(System.nanoTime() - start));
  }

  /** The recipe's text, as a user would write it. */
  public static String recipe() {
    try (InputStream in = Quickstart.class.getResourceAsStream(RECIPE)) {
      if (in == null) {
        throw new IllegalStateException("the jar has no " + RECIPE);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException failure) {
      throw new UncheckedIOException("the jar's " + RECIPE + " cannot be read", failure);
    }
  }

  private static List<String> all(List<String> overrides, Path outputDir, Path data) {
    List<String> all = new ArrayList<>();
    all.add("data.train=" + quoted(data.resolve("train.jsonl")));
    all.add("data.validation=" + quoted(data.resolve("validation.jsonl")));
    all.add("output.dir=" + quoted(outputDir));
    all.addAll(overrides);
    return all;
  }

  private static String quoted(Path path) {
    return "'" + path.toString().replace("'", "''") + "'";
  }

  private static ExactMatch.Result ask(
      RunConfig config, String model, Optional<Path> adapter, List<Item> test) {
    QuantizationScheme base = QuantizationScheme.of(config);
    try (Device device = Devices.open(config.device());
        LoadedModel loaded = LoadedModel.open(model, adapter, base, device)) {
      return new ExactMatch(loaded.tokenizer(), device).evaluate(loaded.model(), test);
    }
  }

  private static void writeData(Path directory, Tickets tickets) {
    try {
      Files.createDirectories(directory);
    } catch (IOException failure) {
      throw new RunException(
          "the folder %s for the data set could not be made: %s"
              .formatted(directory, failure.getMessage()),
          failure);
    }
    write(directory.resolve("train.jsonl"), tickets.train());
    write(directory.resolve("validation.jsonl"), tickets.validation());
    write(directory.resolve("test.jsonl"), tickets.test());
  }

  private static void write(Path file, List<Row> rows) {
    StringBuilder text = new StringBuilder();
    for (Row row : rows) {
      Map<String, String> record = new LinkedHashMap<>();
      record.put("prompt", row.prompt());
      record.put("completion", row.completion());
      text.append(JsonMapper.shared().writeValueAsString(record)).append('\n');
    }
    AtomicFile.writeString(file, text.toString());
  }
}
