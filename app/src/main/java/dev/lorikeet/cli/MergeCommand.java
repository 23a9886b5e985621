package dev.lorikeet.cli;

import dev.lorikeet.cli.Table.Column;
import dev.lorikeet.job.AdapterMerge;
import dev.lorikeet.job.AdapterMerge.Rounding;
import dev.lorikeet.job.Devices;
import dev.lorikeet.job.WeightDrift;
import dev.lorikeet.job.WeightFormat;
import dev.lorikeet.torch.Device;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lorikeet merge}. */
@Command(
    name = "merge",
    description = "Works an adapter into its model's weights and writes one checkpoint.",
    footer = {
      "",
      "The checkpoint is in Hugging Face layout, with the model's tokenizer, and needs no adapter."
    })
final class MergeCommand implements Callable<Integer> {
  private static final String DEVICE = "auto";

  private final Console console;
  @Mixin private JsonOption json = new JsonOption();

  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description = ModelArgument.DESCRIPTION)
  private String model = "";

  @Option(
      names = "--adapter",
      required = true,
      paramLabel = "DIR",
      description = "Folder of a PEFT adapter that was trained on the model.")
  private Path adapter = Path.of("");

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "Folder for the checkpoint, absent or empty.")
  private Path out = Path.of("");

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      defaultValue = "float32",
      description = "float32, bfloat16 or float16 (default: ${DEFAULT-VALUE}).")
  private String dtype = "";

  @Mixin private QuantizationOptions quantization = new QuantizationOptions();

  MergeCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    WeightFormat format = WeightFormat.parse(dtype);
    ModelOptions.requireAdapter(adapter);
    try (Device device = Devices.open(DEVICE)) {
      AdapterMerge merged =
          AdapterMerge.write(
              ModelArgument.folder(model, console),
              adapter,
              out,
              format,
              quantization.scheme(),
              device);
      if (json.wanted()) {
        console.json(document(merged));
      } else {
        print(merged);
      }
    }
    return 0;
  }

  private void print(AdapterMerge merged) {
    Table table =
        new Table(
            Column.left("merged"), Column.left(Amounts.count(merged.modules()) + " linear layers"));
    if (merged.embeddings() > 0) {
      table.row("and", Amounts.count(merged.embeddings()) + " embedding");
    }
    merged.drift().quantisation().ifPresent(drift -> addRows(table, "quantisation", drift));
    table.row("stored as", merged.format().spelling());
    table.row("largest rounding", merged.rounding().map(MergeCommand::words).orElse("none"));
    merged.drift().rounding().ifPresent(drift -> addRows(table, "rounding", drift));
    table.row("model", merged.directory().toString());
    console.result(table.toString());
    console.message("");
    console.message(
        "Next: lorikeet generate --model "
            + ShellWord.of(merged.directory().toString())
            + " --prompt '...'");
  }

  private static String words(Rounding rounding) {
    return "%s became %s in %s".formatted(rounding.merged(), rounding.written(), rounding.weight());
  }

  private static void addRows(Table table, String cause, WeightDrift drift) {
    table.row(
        cause + " drift",
        "%s of the norm, %s in %s"
            .formatted(
                Amounts.percent(drift.relative()),
                Amounts.percent(drift.worstRelative()),
                drift.worst()));
    table.row(
        "",
        String.format(
            Locale.ROOT,
            "%.2g on average, at most %.2g in %s",
            drift.mean(),
            drift.largest(),
            drift.largestIn()));
  }

  private static Map<String, Object> document(AdapterMerge merged) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("model", merged.directory().toString());
    json.put("modules", merged.modules());
    json.put("embeddings", merged.embeddings());
    json.put("dtype", merged.format().spelling());
    json.put("largest_rounding", merged.rounding().map(Rounding::size).orElse(0.0));
    merged.rounding().ifPresent(rounding -> json.put("largest_rounding_in", rounding.weight()));
    merged.drift().quantisation().ifPresent(d -> json.put("quantization_drift", document(d)));
    merged.drift().rounding().ifPresent(d -> json.put("rounding_drift", document(d)));
    return json;
  }

  private static Map<String, Object> document(WeightDrift drift) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("largest", drift.largest());
    json.put("largest_in", drift.largestIn());
    json.put("mean", drift.mean());
    json.put("relative", drift.relative());
    json.put("worst", drift.worst());
    json.put("worst_relative", drift.worstRelative());
    return json;
  }
}
