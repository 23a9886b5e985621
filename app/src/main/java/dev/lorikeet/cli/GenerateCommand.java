package dev.lorikeet.cli;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.generate.Sampling;
import dev.lorikeet.job.Devices;
import dev.lorikeet.job.LoadedModel;
import dev.lorikeet.job.TextGeneration;
import dev.lorikeet.torch.Device;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lorikeet generate}. */
@Command(
    name = "generate",
    description = "Continues a prompt; prints the continuation alone.",
    footer = "The same seed gives the same text.")
final class GenerateCommand implements Callable<Integer> {
  private static final String DEVICE = "auto";
  private static final String FROM_INPUT = "-";

  private final Console console;
  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private JsonOption json = new JsonOption();

  @Option(
      names = "--prompt",
      required = true,
      paramLabel = "TEXT",
      description = "What to continue; - reads it from standard input.")
  private String prompt = "";

  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      defaultValue = "128",
      description = "Tokens at most (default: ${DEFAULT-VALUE}).")
  private int maxNewTokens;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      defaultValue = "0",
      description =
          "0 takes the most likely token, 1 draws from the model's own distribution"
              + " (default: ${DEFAULT-VALUE}).")
  private double temperature;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      defaultValue = "1.0",
      description =
          "Draw from the fewest tokens that together have this probability"
              + " (default: ${DEFAULT-VALUE}).")
  private double topP;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "42",
      description = "Start of the draws (default: ${DEFAULT-VALUE}).")
  private long seed;

  GenerateCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    if (maxNewTokens < 1) {
      throw new ConfigException("--max-new-tokens must be 1 or more, found " + maxNewTokens);
    }
    Sampling sampling = new Sampling(temperature, topP, seed);
    String text = prompt.equals(FROM_INPUT) ? console.input() : prompt;
    try (Device device = Devices.open(DEVICE);
        LoadedModel loaded = model.open(console, device)) {
      BeginningNote.tell(console, loaded.tokenizer(), text);
      TextGeneration made = TextGeneration.of(loaded, device, text, maxNewTokens, sampling);
      if (json.wanted()) {
        console.json(document(text, made));
      } else {
        console.result(made.text());
      }
    }
    return 0;
  }

  private static Map<String, Object> document(String prompt, TextGeneration made) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("prompt", prompt);
    json.put("text", made.text());
    json.put("tokens", made.tokens());
    json.put("stop", made.stop().name().toLowerCase(Locale.ROOT));
    json.put("seconds", made.time().toNanos() * 1e-9);
    json.put("tokens_per_second", made.tokensPerSecond());
    return json;
  }
}
