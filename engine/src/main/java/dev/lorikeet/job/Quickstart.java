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
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;

/**
 * The whole way on what is inside the jar: the base model {@code nano} learns to turn customer
 * messages into tickets, and is asked the test messages before and after.
 *
 * @param config the recipe with every change
 * @param test the test messages and their tickets
 */
public record Quickstart(RunConfig config, List<Item> test) {
  private static final String RECIPE = "/dev/lorikeet/job/quickstart.yaml";
  private static final long TICKETS_SEED = 42;

  public Quickstart {
    test = List.copyOf(test);
  }

  /**
   * Writes the data set and reads the recipe.
   *
   * @param outputDir where data and run go
   * @param overrides of the recipe, {@code key=value}
   */
  public static Quickstart prepare(Path outputDir, List<String> overrides) {
    Tickets tickets = new Tickets(TICKETS_SEED);
    Path data = outputDir.resolve("tickets");
    writeData(data, tickets);
    return new Quickstart(
        Recipe.parse(recipe(), "quickstart", all(overrides, outputDir, data)),
        tickets.test().stream().map(row -> new Item(row.prompt(), row.completion())).toList());
  }

  /** What the untouched model says to the test messages. */
  public ExactMatch.Result askUntouched() {
    return ask(model(), Optional.empty());
  }

  /** The fine-tuning; a run like any other, which can be stopped and resumed. */
  public FineTuneResult tune(FineTuneOptions options, RunListener listener) {
    return FineTuning.run(config, options, listener);
  }

  /** What the tuned model says to the test messages. */
  public ExactMatch.Result askTuned(FineTuneResult training) {
    return config.adapter().technique() == Technique.FULL
        ? ask(training.output().toString(), Optional.empty())
        : ask(model(), Optional.of(training.output()));
  }

  private String model() {
    return HubModel.folder(config.model(), FineTuneOptions.defaults().hub()).toString();
  }

  private ExactMatch.Result ask(String model, Optional<Path> adapter) {
    QuantizationScheme base = QuantizationScheme.of(config);
    try (Device device = Devices.forTraining(config);
        LoadedModel loaded = LoadedModel.open(model, adapter, base, device)) {
      return new ExactMatch(loaded.tokenizer(), device).evaluate(loaded.model(), test);
    }
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
