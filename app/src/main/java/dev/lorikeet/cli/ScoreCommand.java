package dev.lorikeet.cli;

import dev.lorikeet.cli.Table.Column;
import dev.lorikeet.job.Devices;
import dev.lorikeet.job.LoadedModel;
import dev.lorikeet.job.TextScore;
import dev.lorikeet.torch.Device;
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
  private TextSource source = new TextSource();

  ScoreCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    String text = source.read();
    try (Device device = Devices.open(DEVICE);
        LoadedModel loaded = model.open(console, device)) {
      BeginningNote.tell(console, loaded.tokenizer(), text);
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
