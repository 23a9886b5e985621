package dev.lorikeet.cli;

import dev.lorikeet.cli.Table.Column;
import dev.lorikeet.job.Inspection;
import dev.lorikeet.job.Inspection.Head;
import dev.lorikeet.job.Inspection.Kind;
import dev.lorikeet.job.Inspection.ModelFile;
import dev.lorikeet.job.Inspection.Shape;
import dev.lorikeet.job.Inspection.TechniqueCount;
import dev.lorikeet.job.Inspection.TokenFact;
import dev.lorikeet.job.Inspection.TokenizerFacts;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code lorikeet inspect MODEL_DIR}. */
@Command(
    name = "inspect",
    description = "Shows what a model is and what each technique would train, without loading it.")
final class InspectCommand implements Callable<Integer> {
  private final Console console;
  @Mixin private QuantizationOptions quantization = new QuantizationOptions();
  @Mixin private JsonOption json = new JsonOption();

  @Parameters(paramLabel = "MODEL_DIR", description = ModelArgument.DESCRIPTION)
  private String model = "";

  InspectCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    Inspection inspection =
        Inspection.of(ModelArgument.folder(model, console), quantization.scheme());
    if (json.wanted()) {
      console.json(InspectionJson.of(inspection));
    } else {
      print(inspection);
    }
    inspection.warnings().forEach(warning -> console.message("warning: " + warning));
    return 0;
  }

  private void print(Inspection inspection) {
    console.result(facts(inspection).toString());
    section("Parameters", kinds(inspection));
    section("Training would change", techniques(inspection));
    section("Files", files(inspection));
  }

  private void section(String title, Table table) {
    console.result("");
    console.result(title);
    table.toString().lines().forEach(line -> console.result("  " + line));
  }

  private static Table facts(Inspection inspection) {
    Shape shape = inspection.shape();
    Table facts = new Table(Column.left("model"), Column.left(inspection.directory().toString()));
    facts.row("architecture", inspection.architecture());
    facts.row(
        "parameters",
        Amounts.count(inspection.parameters().total())
            + inspection.storedType().map(type -> ", stored as " + type).orElse(""));
    facts.row("in memory", Amounts.bytes(inspection.weightBytes()));
    facts.row("layers", "%d of hidden size %d".formatted(shape.layers(), shape.hiddenSize()));
    facts.row(
        "attention",
        "%d heads and %d key-value heads of %d"
            .formatted(shape.heads(), shape.kvHeads(), shape.headDim()));
    facts.row("context", Amounts.count(shape.contextLength()) + " tokens");
    facts.row("embedding", Amounts.count(shape.vocabularySize()) + " rows");
    facts.row(
        "output head", shape.head() == Head.TIED ? "tied to the embedding" : "weights of its own");
    inspection.tokenizer().ifPresent(tokenizer -> add(facts, tokenizer));
    return facts;
  }

  private static void add(Table facts, TokenizerFacts tokenizer) {
    facts.row(
        "tokenizer", Amounts.count(tokenizer.vocabularySize()) + " tokens, " + tokenizer.kind());
    facts.row("  begins with", tokenizer.bos().map(InspectCommand::text).orElse("no such token"));
    facts.row("  ends with", tokenizer.eos().map(InspectCommand::text).orElse("no such token"));
    facts.row(
        "  puts in front",
        tokenizer.prefix().isEmpty()
            ? "nothing"
            : tokenizer.prefix().stream()
                .map(InspectCommand::text)
                .collect(Collectors.joining(", ")));
  }

  private static String text(TokenFact token) {
    return token.text() + " (" + token.id() + ")";
  }

  private static Table kinds(Inspection inspection) {
    Table table =
        new Table(
            Column.left("module"),
            Column.right("count"),
            Column.left("weight"),
            Column.right("parameters"));
    for (Kind kind : inspection.parameters().kinds()) {
      table.row(
          kind.name(),
          Integer.toString(kind.modules()),
          kind.weightShape().toString(),
          Amounts.count(kind.parameters()));
    }
    List<Long> layers = inspection.parameters().perLayer();
    if (layers.stream().distinct().count() == 1) {
      table.row("each layer", "", "", Amounts.count(layers.getFirst()));
    } else {
      for (int layer = 0; layer < layers.size(); layer++) {
        table.row("layer " + layer, "", "", Amounts.count(layers.get(layer)));
      }
    }
    return table;
  }

  private static Table techniques(Inspection inspection) {
    Table table =
        new Table(
            Column.left("technique"),
            Column.left("setting"),
            Column.right("parameters"),
            Column.right("share"));
    for (TechniqueCount technique : inspection.techniques()) {
      table.row(
          technique.technique(),
          technique.setting(),
          Amounts.count(technique.trainable()),
          Amounts.percent(technique.share()));
    }
    return table;
  }

  private static Table files(Inspection inspection) {
    Table table = new Table(Column.left("file"), Column.right("size"));
    for (ModelFile file : inspection.files()) {
      table.row(file.name(), Amounts.bytes(file.bytes()));
    }
    return table;
  }
}
