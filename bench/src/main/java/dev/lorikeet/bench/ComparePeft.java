package dev.lorikeet.bench;

import dev.lorikeet.bench.CompareCase.Data;
import dev.lorikeet.bench.CompareCase.Memory;
import dev.lorikeet.bench.CompareReport.Decoding;
import dev.lorikeet.bench.CompareReport.Start;
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

  private static final String NEW_TOKENS = "64";

  private final Path work;
  private final int runs;
  private final int steps;
  private final Size size;
  private final CompareProcess process;
  private final CompareReport report;
  private final CompareCase plain;
  private final Map<String, BenchModel> models = new HashMap<>();

  /** Which models are taken. */
  private enum Size {
    REAL,
    /** To try the command. */
    TINY
  }

  private ComparePeft(
      Path work, int runs, int steps, Size size, CompareProcess process, CompareReport report) {
    this.work = work;
    this.runs = runs;
    this.steps = steps;
    this.size = size;
    this.process = process;
    this.report = report;
    plain = known("dense");
  }

  /** The program. */
  public static void main(String[] args) throws IOException, InterruptedException {
    Path work = Path.of(args[0]).toAbsolutePath();
    int runs = Integer.parseInt(args[1]);
    int steps = Integer.parseInt(args[2]);
    CompareProcess process = new CompareProcess(args[3], Path.of(args[4]));
    Path file = Path.of(args[5]);
    List<String> names = new ArrayList<>(List.of(args).subList(6, args.length));
    Size size = names.remove("tiny") ? Size.TINY : Size.REAL;
    CompareReport report = new CompareReport(file, head(runs, steps, process));
    ComparePeft bench = new ComparePeft(work, runs, steps, size, process, report);
    for (String name : names.isEmpty() ? allNames() : names) {
      System.err.println(name + " …");
      switch (name) {
        case "limit" -> report.limit(process.own(OneLimit.class, bench.limitArguments()));
        case "decode" -> bench.decode();
        case "context" -> bench.context();
        case "start" -> bench.start();
        default -> bench.compare(bench.known(name));
      }
      report.write();
    }
    System.out.println(Files.readString(file));
    if (report.failed()) {
      System.exit(1);
    }
  }

  private static List<String> head(int runs, int steps, CompareProcess process)
      throws IOException, InterruptedException {
    List<String> head = new ArrayList<>(CompareMachine.lines());
    head.add("- " + process.peerVersions());
    head.add(
        "- %d runs of each in turns, a process each; %d steps a run are timed after one that is not. Median (least–most); memory is the highest of all runs, in 10⁹ bytes."
            .formatted(runs, steps));
    return head;
  }

  /** The limit first: shares of it are told of what comes later. */
  private static List<String> allNames() {
    return Stream.of(
            Stream.of("limit"),
            CompareCase.all().stream().map(CompareCase::name),
            Stream.of("decode", "context", "start"))
        .flatMap(names -> names)
        .toList();
  }

  private CompareCase known(String name) {
    CompareCase one =
        CompareCase.named(name)
            .orElseThrow(() ->
                new IllegalArgumentException("no case " + name + "; there are " + allNames()));
    return size == Size.TINY ? one.tiny() : one;
  }

  private List<String> limitArguments() {
    return List.of(plain.shape().name(), "2048");
  }

  /** Peer and product in turns; an adapter that is not LoRA takes turns with LoRA too. */
  private void compare(CompareCase one) throws IOException, InterruptedException {
    Path batches = work.resolve(one.name() + ".batches.jsonl");
    List<Integer> tokens = CompareData.writeBatches(recipe(one), steps + 1, batches);
    ComparePairs pairs = report.pairs(one, tokens);
    for (int run = 0; run < runs; run++) {
      if (one.hasPeer()) {
        pairs.peer(process.peer(peerArguments(one, batches, steps + 1)));
      }
      pairs.own(own(one));
      if (one.standsBesideLora()) {
        pairs.lora(own(one.asLora()));
      }
    }
    if (!pairs.sameLosses(SAME_LOSS)) {
      System.err.println(one.name() + ": the losses differ, see the results");
    }
  }

  private JsonNode own(CompareCase one) throws IOException, InterruptedException {
    return own(one, one.adapts() ? List.of("adapter.init_from='" + adapter(one) + "'") : List.of());
  }

  private JsonNode own(CompareCase one, List<String> further)
      throws IOException, InterruptedException {
    List<String> arguments = new ArrayList<>();
    arguments.add(model(one).model().toString());
    arguments.add(data(one).toString());
    arguments.addAll(List.of(overrides(one)));
    arguments.addAll(further);
    return process.own(OneRun.class, arguments);
  }

  private RunConfig recipe(CompareCase one) throws IOException {
    return RunConfig.of(model(one).model().toString(), data(one)).with(overrides(one));
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
    CompareCase start = one.start();
    Path folder = model(one).folder().resolve("start-" + start.technique());
    if (Files.notExists(folder)) {
      JsonNode run =
          own(
              start,
              List.of("data.max_seq_len=64", "train.max_steps=1", "train.learning_rate=1.0e-3"));
      Files.move(Path.of(run.path("output").asString()), folder);
    }
    return folder;
  }

  private void decode() throws IOException, InterruptedException {
    String float32 = model(plain.shape(), StoredType.F32).model().toString();
    String bfloat16 = model(plain.shape(), StoredType.BF16).model().toString();
    for (int run = 0; run < runs; run++) {
      report.decoded(Decoding.PEER, process.peer(List.of("decode", float32, NEW_TOKENS)));
      report.decoded(Decoding.FLOAT32, decode(float32, "none"));
      report.decoded(Decoding.BFLOAT16, decode(bfloat16, "none"));
      report.decoded(Decoding.NF4, decode(float32, "nf4"));
      report.decoded(Decoding.NF4_BFLOAT16, decode(bfloat16, "nf4"));
    }
  }

  private JsonNode decode(String model, String format) throws IOException, InterruptedException {
    return process.own(OneDecode.class, List.of(model, NEW_TOKENS, format));
  }

  /** The same number of tokens in fewer and longer sequences. */
  private void context() throws IOException, InterruptedException {
    int tokens = 4096;
    for (int length = 512; length <= tokens; length *= 2) {
      List<String> longer =
          List.of(
              "data.max_seq_len=" + length,
              "train.global_batch=" + tokens / length,
              "train.micro_batch=" + tokens / length,
              "train.max_steps=2");
      report.context(length, own(plain, longer));
    }
  }

  private void start() throws IOException, InterruptedException {
    Path batches = work.resolve("start.batches.jsonl");
    CompareData.writeBatches(recipe(plain), 1, batches);
    Path recipe = work.resolve("start.yaml");
    AtomicFile.writeString(recipe, recipe(plain).with("train.max_steps=1").toYaml());
    for (int run = 0; run < runs; run++) {
      JsonNode peer = process.peer(peerArguments(plain, batches, 1));
      report.started(Start.PEER, peer.path("ready").asDouble());
      report.started(Start.OWN, process.launched("run folder", "finetune", recipe.toString()));
      report.started(Start.HELP, process.launched("", "--help"));
    }
  }
}
