package dev.lorikeet.cli;

import dev.lorikeet.cli.Table.Column;
import dev.lorikeet.error.DataException;
import dev.lorikeet.job.Devices;
import dev.lorikeet.job.LoadedModel;
import dev.lorikeet.job.TextScore;
import dev.lorikeet.torch.Device;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lorikeet score}. */
@Command(
    name = "score",
    description = "Tells how likely a model finds a text, token by token.",
    footer = {
      "",
      "Log-probabilities are in nats. A text longer than the model's context is read in windows that"
          + " do not overlap, each of which begins anew."
    })
final class ScoreCommand implements Callable<Integer> {
  private static final String DEVICE = "auto";

  private final Console console;
  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private JsonOption json = new JsonOption();

  @ArgGroup(multiplicity = "1")
  private Source source = new Source();

  ScoreCommand(Console console) {
    this.console = console;
  }

  /** Where the text comes from. */
  private static final class Source {
    @Option(names = "--text", required = true, paramLabel = "TEXT", description = "The text.")
    private @Nullable String text;

    @Option(
        names = "--file",
        required = true,
        paramLabel = "FILE",
        description = "A UTF-8 file with the text; its line ends count.")
    private @Nullable Path file;

    String read() {
      return file == null ? String.valueOf(text) : read(file);
    }

    private static String read(Path file) {
      if (Files.isDirectory(file)) {
        throw new DataException("--file " + file + " is a folder; name a text file in it");
      }
      try {
        return Files.readString(file);
      } catch (NoSuchFileException e) {
        throw new DataException(
            "--file %s does not exist (looked in %s)".formatted(file, Path.of("").toAbsolutePath()),
            e);
      } catch (CharacterCodingException e) {
        throw new DataException("--file " + file + " is not UTF-8 text; save it as UTF-8", e);
      } catch (IOException e) {
        throw new DataException("--file " + file + " cannot be read: " + e, e);
      }
    }
  }

  @Override
  public Integer call() {
    String text = source.read();
    try (Device device = Devices.open(DEVICE);
        LoadedModel loaded = model.open(device)) {
      TextScore score = TextScore.of(loaded, device, text);
      if (score.windows() > 1) {
        console.message(
            "note: the text has %d tokens, more than the model's context of %d: it was read in %d windows, each beginning anew."
                .formatted(score.tokens().size(), loaded.model().contextLength(), score.windows()));
      }
      print(score);
    }
    return 0;
  }

  private void print(TextScore score) {
    if (json.wanted()) {
      console.json(document(score));
      return;
    }
    Table table = new Table(Column.left("tokens"), Column.right(count(score)));
    table.row("sum of log-probabilities", RunText.number(score.sum()));
    table.row("perplexity", RunText.number(score.perplexity()));
    console.result(table.toString());
  }

  private static String count(TextScore score) {
    return Amounts.count(score.tokens().size());
  }

  private static Map<String, Object> document(TextScore score) {
    List<@Nullable Double> logProbabilities = new ArrayList<>();
    for (OptionalDouble value : score.logProbabilities()) {
      logProbabilities.add(value.isPresent() ? (Double) value.getAsDouble() : null);
    }
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("tokens", score.tokens());
    json.put("logprobs", logProbabilities);
    json.put("sum", score.sum());
    json.put("perplexity", score.perplexity());
    return json;
  }
}
