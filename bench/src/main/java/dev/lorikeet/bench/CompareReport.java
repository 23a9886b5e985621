package dev.lorikeet.bench;

import dev.lorikeet.format.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;

/** What a comparison has found so far, as Markdown. */
final class CompareReport {
  private static final double GIGA = 1e9;

  private final Path file;
  private final int runs;
  private final int steps;
  private final CompareProcess process;
  private final List<Pairs> pairs = new ArrayList<>();
  private final Map<String, List<Double>> decoding = new LinkedHashMap<>();
  private final Map<String, Double> decodedBytes = new LinkedHashMap<>();
  private final List<String> context = new ArrayList<>();
  private final List<List<Double>> starts =
      List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
  private double readGigabytes;
  private OptionalDouble products = OptionalDouble.empty();
  private double peak;

  CompareReport(Path file, int runs, int steps, CompareProcess process) {
    this.file = file;
    this.runs = runs;
    this.steps = steps;
    this.process = process;
  }

  /** A case whose runs come next. */
  Pairs pairs(CompareCase one, List<Integer> tokens) {
    Pairs fresh = new Pairs(one, tokens);
    pairs.add(fresh);
    return fresh;
  }

  /** Whether a case gave other losses than the peer. */
  boolean failed() {
    return pairs.stream().anyMatch(each -> !each.same);
  }

  /** The runs of one case. */
  static final class Pairs {
    private final CompareCase one;
    private final List<Integer> tokens;
    private final List<JsonNode> own = new ArrayList<>();
    private final List<JsonNode> peer = new ArrayList<>();
    private final List<JsonNode> lora = new ArrayList<>();
    private boolean same = true;
    private double drift;

    /**
     * A case without runs.
     *
     * @param tokens useful tokens of every step, the first one too
     */
    Pairs(CompareCase one, List<Integer> tokens) {
      this.one = one;
      this.tokens = List.copyOf(tokens);
    }

    void own(JsonNode run) {
      own.add(run);
    }

    void peer(JsonNode run) {
      peer.add(run);
    }

    void lora(JsonNode run) {
      lora.add(run);
    }

    /** Whether every step of every pair gave losses within {@code relative} of each other. */
    boolean sameLosses(double relative) {
      for (int run = 0; run < peer.size(); run++) {
        JsonNode ours = own.get(run).path("losses");
        JsonNode theirs = peer.get(run).path("losses");
        for (int step = 0; step < theirs.size(); step++) {
          double expected = theirs.path(step).asDouble(Double.NaN);
          drift = Math.max(drift, Math.abs(ours.path(step).asDouble(Double.NaN) / expected - 1));
        }
        same &= theirs.size() > 0 && ours.size() == theirs.size();
      }
      same &= drift <= relative;
      return same;
    }

    /** Useful tokens a second of every run, its first step left out. */
    private List<Double> speeds(List<JsonNode> of) {
      int useful = tokens.stream().skip(1).mapToInt(Integer::intValue).sum();
      return of.stream().map(run -> useful / seconds(run)).toList();
    }

    /** Seconds of a step in every run. */
    private List<Double> stepSeconds() {
      return own.stream().map(run -> seconds(run) / (tokens.size() - 1)).toList();
    }

    private static double seconds(JsonNode run) {
      return run.path("steps").valueStream().skip(1).mapToDouble(JsonNode::asDouble).sum();
    }

    private static double gigabytes(List<JsonNode> of) {
      return of.stream().mapToLong(run -> run.path("peak_resident_bytes").asLong()).max().orElse(0)
          / GIGA;
    }

    private static double tensors(List<JsonNode> of) {
      return of.stream().mapToLong(run -> run.path("peak_bytes").asLong()).max().orElse(0) / GIGA;
    }

    /** The row of the table against PEFT. */
    String peerRow() {
      Timings ours = Timings.of(speeds(own));
      Timings theirs = Timings.of(speeds(peer));
      Timings ratio = Timings.ratios(speeds(own), speeds(peer));
      double resident = gigabytes(own);
      return "| %s | %s | %s | %s | %s | %.2f | %.2f | %.2f | %s | %s |"
          .formatted(
              one.name(),
              one.describe(),
              theirs.text(0),
              ours.text(0),
              ratio.text(2),
              gigabytes(peer),
              resident,
              tensors(own),
              String.format(Locale.ROOT, same ? "%.1e" : "**%.1e**", drift),
              verdict(ratio.median(), resident));
    }

    private String verdict(double ratio, double resident) {
      List<String> parts = new ArrayList<>();
      one.fasterThanPeer()
          .ifPresent(goal ->
              parts.add(
                  String.format(
                      Locale.ROOT, "≥ %.1f ×: %s", goal, ratio >= goal ? "met" : "missed")));
      one.residentGigabytes()
          .ifPresent(goal ->
              parts.add(
                  String.format(
                      Locale.ROOT, "≤ %.1f GB: %s", goal, resident <= goal ? "met" : "missed")));
      return parts.isEmpty() ? "–" : String.join(", ", parts);
    }

    /** The row of the table against LoRA of the same run. */
    String loraRow() {
      List<Double> mine = own.stream().map(Pairs::seconds).toList();
      List<Double> plain = lora.stream().map(Pairs::seconds).toList();
      return "| %s | %s | %.2f | %+.1f %% |"
          .formatted(
              one.name(),
              Timings.ratios(mine, plain).text(3),
              tensors(own),
              100 * (tensors(own) / tensors(lora) - 1));
    }
  }

  void limit(JsonNode run) {
    products = OptionalDouble.of(run.path("products_seconds").asDouble());
    peak = run.path("peak_gflops").asDouble();
    readGigabytes = run.path("read_gbytes").asDouble();
  }

  void decoded(String what, JsonNode run, JsonNode limit) {
    readGigabytes = Math.max(readGigabytes, limit.path("read_gbytes").asDouble());
    double best =
        run.path("tokens_per_second")
            .valueStream()
            .mapToDouble(JsonNode::asDouble)
            .max()
            .orElseThrow();
    decoding.computeIfAbsent(what, any -> new ArrayList<>()).add(best);
    decodedBytes.put(what, run.path("weight_bytes").asDouble());
  }

  void context(int length, JsonNode run) {
    context.add(
        "| %d | %.3f | %.2f |"
            .formatted(
                length,
                run.path("peak_bytes").asLong() / GIGA,
                run.path("steps").path(1).asDouble()));
  }

  void started(JsonNode peer, double own, double help) {
    starts.get(0).add(peer.path("ready").asDouble());
    starts.get(1).add(own);
    starts.get(2).add(help);
  }

  /** Writes what there is; an interruption loses one case. */
  void write() throws IOException, InterruptedException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    AtomicFile.writeString(file, String.join("\n", text()) + "\n");
  }

  private List<String> text() throws IOException, InterruptedException {
    List<String> lines = new ArrayList<>();
    lines.add("# Lorikeet and PEFT in turns");
    lines.add("");
    lines.addAll(CompareMachine.lines());
    lines.add("- " + process.peerVersions());
    lines.add(
        "- %d runs of each in turns, a process each; %d steps a run are timed after one that is not. Median (least–most); memory is the highest of all runs, in 10⁹ bytes."
            .formatted(runs, steps));
    if (pairs.stream().anyMatch(each -> !each.peer.isEmpty())) {
      lines.addAll(
          List.of(
              "",
              "## Against PEFT",
              "",
              "| case | what | PEFT, tokens/s | Lorikeet, tokens/s | ratio | PEFT, GB | Lorikeet, GB | its tensors, GB | largest difference of a loss | target |",
              "|---|---|---|---|---|---|---|---|---|---|"));
      pairs.stream().filter(each -> !each.peer.isEmpty()).map(Pairs::peerRow).forEach(lines::add);
    }
    if (pairs.stream().anyMatch(each -> !each.lora.isEmpty())) {
      lines.addAll(
          List.of(
              "",
              "## Against LoRA in the same run",
              "",
              "| case | time / LoRA's | tensors, GB | against LoRA's |",
              "|---|---|---|---|"));
      pairs.stream().filter(each -> !each.lora.isEmpty()).map(Pairs::loraRow).forEach(lines::add);
      lines.add("");
      lines.add("PEFT's 4-bit bases are missing here: bitsandbytes was not installed.");
    }
    lines.addAll(rest());
    return lines;
  }

  private List<String> rest() {
    List<String> lines = new ArrayList<>();
    products.ifPresent(seconds -> lines.addAll(limitLines(seconds)));
    if (!decoding.isEmpty()) {
      lines.addAll(
          List.of(
              "",
              "## Greedy decoding, one sequence",
              "",
              "| | tokens/s | weights read, GB/s | of %.1f GB/s |".formatted(readGigabytes),
              "|---|---|---|---|"));
      decoding.forEach((what, speeds) -> lines.add(decodeRow(what, Timings.of(speeds))));
    }
    if (!context.isEmpty()) {
      lines.addAll(
          List.of(
              "",
              "## 4,096 tokens a step in sequences of different length",
              "",
              "| length | tensors, GB | step, s |",
              "|---|---|---|"));
      lines.addAll(context);
    }
    if (!starts.getFirst().isEmpty()) {
      List<String> names = List.of("PEFT", "Lorikeet", "`lorikeet --help`, whole");
      lines.addAll(
          List.of("", "## Start of the process to the first step", "", "| | s |", "|---|---|"));
      IntStream.range(0, names.size())
          .forEach(i ->
              lines.add("| " + names.get(i) + " | " + Timings.of(starts.get(i)).text(2) + " |"));
    }
    return lines;
  }

  private List<String> limitLines(double seconds) {
    List<String> lines = new ArrayList<>();
    lines.addAll(List.of("", "## Limit of the hardware", ""));
    lines.add(
        String.format(
            Locale.ROOT,
            "The matrix products of a dense step alone take %.2f s; the fastest product runs at %.0f GFLOP/s, memory is read at %.1f GB/s.",
            seconds,
            peak,
            readGigabytes));
    pairs.stream()
        .filter(each -> each.one.name().equals("dense") && !each.own.isEmpty())
        .map(each -> Timings.of(each.stepSeconds()))
        .forEach(step ->
            lines.add(
                String.format(
                    Locale.ROOT,
                    "The step `dense` takes %s s, %.2f × that; target ≤ 1.27.",
                    step.text(2),
                    step.median() / seconds)));
    return lines;
  }

  private String decodeRow(String what, Timings speed) {
    double read = decodedBytes.getOrDefault(what, 0.0) * speed.median() / GIGA;
    return read == 0
        ? "| %s | %s | – | – |".formatted(what, speed.text(1))
        : "| %s | %s | %.1f | %.0f %% |"
            .formatted(what, speed.text(1), read, 100 * read / readGigabytes);
  }
}
