package dev.lorikeet.bench;

import dev.lorikeet.bench.CompareCase.Data;
import dev.lorikeet.bench.CompareCase.Memory;
import dev.lorikeet.bench.CompareCase.Peer;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.format.AtomicFile;
import dev.lorikeet.format.StoredType;
import dev.lorikeet.tokenizer.HfTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/**
 * Lorikeet and PEFT in turns on one machine: the same weights, the same tokens, the same start of
 * the adapter, the same update; a process of its own for every run. That both give the same losses
 * is looked at before anything is told about time.
 *
 * <p>Arguments: work folder, runs, steps a run, Python, {@code peer.py}, results file, then names
 * of cases; {@code tiny} among them makes all models tiny.
 */
public final class ComparePeft {
  /** Drift of float32 through the layers of a step; the same as in the tests against PEFT. */
  private static final double SAME_LOSS = 1e-5;

  private static final String PLAIN = "dense";
  private static final String NEW_TOKENS = "64";

  private final Path work;
  private final int steps;
  private final CompareProcess process;
  private final Map<String, BenchModel> models = new HashMap<>();

  private ComparePeft(Path work, int steps, CompareProcess process) {
    this.work = work;
    this.steps = steps;
    this.process = process;
  }

  /** The program. */
  public static void main(String[] args) throws IOException, InterruptedException {
    Path work = Path.of(args[0]).toAbsolutePath();
    int runs = Integer.parseInt(args[1]);
    int steps = Integer.parseInt(args[2]);
    List<String> names = new ArrayList<>(List.of(args).subList(6, args.length));
    boolean tiny = names.remove("tiny");
    ComparePeft bench =
        new ComparePeft(work, steps, new CompareProcess(args[3], Path.of(args[4]), work));
    CompareReport report = new CompareReport(Path.of(args[5]), runs, steps, bench.process);
    for (String name : names.isEmpty() ? allNames() : names) {
      System.err.println(name + " …");
      switch (name) {
        case "limit" -> report.limit(bench.process.own(OneLimit.class, List.of("smollm2", "2048")));
        case "decode" -> bench.decode(report, runs, tiny);
        case "context" -> bench.context(report, tiny);
        case "start" -> bench.start(report, runs, tiny);
        default -> bench.compare(report, runs, tiny ? known(name).tiny() : known(name));
      }
      report.write();
    }
    System.out.println(Files.readString(Path.of(args[5])));
    if (report.failed()) {
      System.exit(1);
    }
  }

  private static List<String> allNames() {
    return Stream.concat(
            CompareCase.all().stream().map(CompareCase::name),
            Stream.of("limit", "decode", "context", "start"))
        .toList();
  }

  private static CompareCase known(String name) {
    return CompareCase.named(name)
        .orElseThrow(
            () -> new IllegalArgumentException("no case " + name + "; there are " + allNames()));
  }

  /** Peer and product in turns; where there is no peer, LoRA of the same shape takes its turn. */
  private void compare(CompareReport report, int runs, CompareCase one)
      throws IOException, InterruptedException {
    CompareCase plain = one.shape() == BenchShape.TINY ? known(PLAIN).tiny() : known(PLAIN);
    boolean againstLora =
        one.data() == Data.DENSE
            && !one.name().equals(PLAIN)
            && !one.technique().equals("lora")
            && !one.technique().equals("full");
    Path batches = work.resolve(one.name() + ".batches.jsonl");
    List<Integer> tokens =
        CompareData.writeBatches(
            RunConfig.of(model(one).model().toString(), data(one)).with(overrides(one)),
            steps + 1,
            batches);
    CompareReport.Pairs pairs = report.pairs(one, tokens);
    for (int run = 0; run < runs; run++) {
      if (one.peer() == Peer.PEFT) {
        pairs.peer(process.peer(peerArguments(one, batches, steps + 1)));
      }
      pairs.own(own(one));
      if (againstLora) {
        pairs.lora(own(plain));
      }
    }
    if (!pairs.sameLosses(SAME_LOSS)) {
      System.err.println(one.name() + ": the losses differ, see the results");
    }
  }

  private JsonNode own(CompareCase one) throws IOException, InterruptedException {
    List<String> arguments = new ArrayList<>();
    arguments.add(model(one).model().toString());
    arguments.add(data(one).toString());
    arguments.addAll(List.of(overrides(one)));
    if (one.adapts()) {
      arguments.add("adapter.init_from='" + adapter(one) + "'");
    }
    return process.own(OneRun.class, arguments);
  }

  private List<String> peerArguments(CompareCase one, Path batches, int count)
      throws IOException, InterruptedException {
    return List.of(
        "train",
        model(one).model().toString(),
        one.adapts() ? adapter(one).toString() : "none",
        batches.toString(),
        String.valueOf(count),
        one.memory() == Memory.RECOMPUTED ? "yes" : "no");
  }

  private String[] overrides(CompareCase one) {
    List<String> keys =
        new ArrayList<>(
            BenchModel.recipe(one.technique(), one.examples(), steps, work.resolve("runs")));
    keys.add("train.recompute=" + (one.memory() == Memory.RECOMPUTED));
    if (one.data() == Data.RAGGED) {
      keys.add("data.format=prompt_completion");
    }
    return keys.toArray(String[]::new);
  }

  private BenchModel model(CompareCase one) throws IOException {
    return model(one.shape(), StoredType.F32);
  }

  private BenchModel model(BenchShape shape, StoredType type) throws IOException {
    String name = (shape.name() + "-" + type.name()).toLowerCase(Locale.ROOT);
    BenchModel model = models.computeIfAbsent(name, any -> new BenchModel(work.resolve(name)));
    model.prepare(shape, type);
    return model;
  }

  private Path data(CompareCase one) throws IOException {
    if (one.data() == Data.DENSE) {
      return model(one).text();
    }
    Path file = model(one).folder().resolve("ragged.jsonl");
    if (Files.notExists(file)) {
      CompareData.writeRagged(file, HfTokenizer.open(model(one).model()));
    }
    return file;
  }

  /** An adapter whose B is not zero, so that every weight of it counts: after one step. */
  private Path adapter(CompareCase one) throws IOException, InterruptedException {
    String technique = one.startTechnique();
    Path folder = model(one).folder().resolve("start-" + technique);
    if (Files.notExists(folder)) {
      List<String> arguments = new ArrayList<>();
      arguments.add(model(one).model().toString());
      arguments.add(model(one).text().toString());
      arguments.addAll(List.of(overrides(known(PLAIN))));
      arguments.add("adapter.technique=" + technique);
      arguments.add("data.max_seq_len=64");
      arguments.add("train.max_steps=1");
      arguments.add("train.learning_rate=1.0e-3");
      JsonNode run = process.own(OneRun.class, arguments);
      Files.move(Path.of(run.path("output").asString()), folder);
    }
    return folder;
  }

  private void decode(CompareReport report, int runs, boolean tiny)
      throws IOException, InterruptedException {
    BenchShape shape = tiny ? BenchShape.TINY : BenchShape.SMOLLM2;
    String float32 = model(shape, StoredType.F32).model().toString();
    String bfloat16 = model(shape, StoredType.BF16).model().toString();
    JsonNode limit = process.own(OneLimit.class, List.of("tiny", "64"));
    for (int run = 0; run < runs; run++) {
      report.decoded(
          "transformers, float32", process.peer(List.of("decode", float32, NEW_TOKENS)), limit);
      report.decoded("Lorikeet, float32", decode(float32, "none"), limit);
      report.decoded("Lorikeet, bfloat16", decode(bfloat16, "none"), limit);
      report.decoded("Lorikeet, NF4, float32 head", decode(float32, "nf4"), limit);
      report.decoded("Lorikeet, NF4, bfloat16 head", decode(bfloat16, "nf4"), limit);
    }
  }

  private JsonNode decode(String model, String format) throws IOException, InterruptedException {
    return process.own(OneDecode.class, List.of(model, NEW_TOKENS, format));
  }

  /** The same number of tokens in fewer and longer sequences. */
  private void context(CompareReport report, boolean tiny)
      throws IOException, InterruptedException {
    CompareCase one = tiny ? known(PLAIN).tiny() : known(PLAIN);
    int tokens = 4096;
    for (int length = 512; length <= tokens; length *= 2) {
      List<String> arguments = new ArrayList<>();
      arguments.add(model(one).model().toString());
      arguments.add(data(one).toString());
      arguments.addAll(List.of(overrides(one)));
      arguments.add("data.max_seq_len=" + length);
      arguments.add("train.global_batch=" + tokens / length);
      arguments.add("train.micro_batch=" + tokens / length);
      arguments.add("train.max_steps=2");
      report.context(length, process.own(OneRun.class, arguments));
    }
  }

  private void start(CompareReport report, int runs, boolean tiny)
      throws IOException, InterruptedException {
    CompareCase one = tiny ? known(PLAIN).tiny() : known(PLAIN);
    Path batches = work.resolve("start.batches.jsonl");
    CompareData.writeBatches(
        RunConfig.of(model(one).model().toString(), data(one)).with(overrides(one)), 1, batches);
    Path recipe = work.resolve("start.yaml");
    RunConfig config =
        RunConfig.of(model(one).model().toString(), data(one))
            .with(overrides(one))
            .with("train.max_steps=1");
    AtomicFile.writeString(recipe, config.toYaml());
    for (int run = 0; run < runs; run++) {
      report.started(
          process.peer(peerArguments(one, batches, 1)),
          process.launched("run folder", "finetune", recipe.toString()),
          process.launched("", "--help"));
    }
  }
}
