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
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** What a comparison has found so far, as Markdown. */
final class CompareReport {
  private static final double GIGA = 1e9;
  private static final double MOST_TIMES_LIMIT = 1.27;
  private static final double SAME_MEMORY = 1.1;

  /** What is aimed at beside another row of the table of decoding. */
  private record Goal(Decoding beside, double times) {}

  private static final Map<Decoding, Goal> GOALS =
      Map.of(
          Decoding.FLOAT32, new Goal(Decoding.PEER, 2.0),
          Decoding.NF4, new Goal(Decoding.FLOAT32, 1.3));

  private final Path file;
  private final List<String> head;
  private final List<ComparePairs> pairs = new ArrayList<>();
  private final Map<Decoding, List<Double>> decoding = new LinkedHashMap<>();
  private final Map<Decoding, Double> weightBytes = new LinkedHashMap<>();
  private final List<Context> contexts = new ArrayList<>();
  private final Map<Start, List<Double>> starts = new LinkedHashMap<>();
  private Optional<JsonNode> limit = Optional.empty();

  /** Who makes tokens. */
  enum Decoding {
    PEER("transformers, float32"),
    FLOAT32("Lorikeet, float32"),
    BFLOAT16("Lorikeet, bfloat16"),
    NF4("Lorikeet, NF4, float32 head"),
    NF4_BFLOAT16("Lorikeet, NF4, bfloat16 head");

    private final String text;

    Decoding(String text) {
      this.text = text;
    }
  }

  /** What is started, with the most seconds that are aimed at. */
  enum Start {
    PEER("PEFT, to the first step", Double.POSITIVE_INFINITY),
    OWN("Lorikeet, to the first step", 3.0),
    HELP("`lorikeet --help`, whole", 0.5);

    private final String text;
    private final double most;

    Start(String text, double most) {
      this.text = text;
      this.most = most;
    }
  }

  private record Context(int length, long bytes, double seconds) {}

  /**
   * A report without results.
   *
   * @param head what was measured on and how, a line each
   */
  CompareReport(Path file, List<String> head) {
    this.file = file;
    this.head = List.copyOf(head);
  }

  /** A case whose runs come next. */
  ComparePairs pairs(CompareCase one, List<Integer> tokens) {
    ComparePairs fresh = new ComparePairs(one, tokens);
    pairs.add(fresh);
    return fresh;
  }

  /** Whether a case gave other losses than the peer. */
  boolean failed() {
    return pairs.stream().anyMatch(each -> !each.isSame());
  }

  /** What the hardware allows. */
  void limit(JsonNode run) {
    limit = Optional.of(run);
  }

  /** A process that made tokens: its best round counts, since the first ones compile. */
  void decoded(Decoding who, JsonNode run) {
    double best =
        run.path("tokens_per_second")
            .valueStream()
            .mapToDouble(JsonNode::asDouble)
            .max()
            .orElseThrow();
    decoding.computeIfAbsent(who, any -> new ArrayList<>()).add(best);
    weightBytes.put(who, run.path("weight_bytes").asDouble());
  }

  /** Steps with sequences of {@code length}. */
  void context(int length, JsonNode run) {
    contexts.add(
        new Context(length, run.path("peak_bytes").asLong(), run.path("steps").path(1).asDouble()));
  }

  /** Seconds that a start took. */
  void started(Start what, double seconds) {
    starts.computeIfAbsent(what, any -> new ArrayList<>()).add(seconds);
  }

  /** Writes what there is; an interruption loses one case. */
  void write() throws IOException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    AtomicFile.writeString(file, String.join("\n", text()) + "\n");
  }

  List<String> text() {
    List<String> lines = new ArrayList<>();
    lines.add("# Lorikeet and PEFT in turns");
    lines.add("");
    lines.addAll(head);
    table(
        lines,
        "Against PEFT",
        "| case | what | PEFT, tokens/s | Lorikeet, tokens/s | ratio | PEFT, GB | Lorikeet, GB | its tensors, GB | largest difference of a loss | target |",
        pairs.stream().filter(ComparePairs::hasPeer).map(ComparePairs::peerRow).toList());
    table(
        lines,
        "Against LoRA in the same run",
        "| case | time / LoRA's | tensors, GB | against LoRA's | process, GB | LoRA's | target |",
        pairs.stream().filter(ComparePairs::hasLora).map(ComparePairs::loraRow).toList());
    if (pairs.stream().anyMatch(each -> !each.hasPeer())) {
      lines.add("");
      lines.add("PEFT's 4-bit bases are missing here: bitsandbytes was not installed.");
    }
    limit.ifPresent(found -> lines.addAll(limitLines(found)));
    table(
        lines,
        "Greedy decoding, one sequence",
        "| | tokens/s | weights read, GB/s | of what can be read | target |",
        decoding.keySet().stream().map(this::decodeRow).toList());
    table(
        lines,
        "4,096 tokens a step in sequences of different length",
        "| length | tensors, GB | step, s | target |",
        contexts.stream().map(this::contextRow).toList());
    table(
        lines,
        "Start of the process",
        "| | s | target |",
        starts.entrySet().stream().map(CompareReport::startRow).toList());
    return lines;
  }

  private static void table(List<String> lines, String title, String columns, List<String> rows) {
    if (!rows.isEmpty()) {
      lines.addAll(List.of("", "## " + title, "", columns));
      lines.add("|" + "---|".repeat((int) columns.chars().filter(c -> c == '|').count() - 1));
      lines.addAll(rows);
    }
  }

  private List<String> limitLines(JsonNode found) {
    double seconds = found.path("products_seconds").asDouble();
    double flops = found.path("products_gflop").asDouble();
    double peak = found.path("peak_gflops").asDouble();
    List<String> lines = new ArrayList<>(List.of("", "## Limit of the hardware", ""));
    lines.add(
        String.format(
            Locale.ROOT,
            "The fastest product runs at %.0f GFLOP/s; memory is read at %.1f GB/s. The products of the frozen base alone, of 2,048 tokens:",
            peak,
            found.path("read_gbytes").asDouble()));
    lines.addAll(List.of("", "| phase | s | of the fastest product |", "|---|---|---|"));
    found
        .path("phases")
        .propertyStream()
        .forEach(phase ->
            lines.add(
                phaseRow(
                    phase.getKey(),
                    phase.getValue().path("seconds").asDouble(),
                    phase.getValue().path("gflop").asDouble(),
                    peak)));
    lines.add(phaseRow("all", seconds, flops, peak));
    pairs.stream()
        .filter(each -> each.one().name().equals("dense"))
        .map(ComparePairs::stepSeconds)
        .forEach(step -> {
          lines.add(phaseRow("the whole step `dense`", step.median(), flops, peak));
          lines.add("");
          lines.add(
              String.format(
                  Locale.ROOT,
                  "The step takes %s s, %.2f × its products; target %s.",
                  step.text(2),
                  step.median() / seconds,
                  CompareTargets.atMost("%.2f ×", MOST_TIMES_LIMIT, step.median() / seconds)));
        });
    return lines;
  }

  private static String phaseRow(String name, double seconds, double flops, double peak) {
    return String.format(
        Locale.ROOT, "| %s | %.2f | %.0f %% |", name, seconds, 100 * flops / seconds / peak);
  }

  private String decodeRow(Decoding who) {
    Timings speed = Timings.of(decoding.getOrDefault(who, List.of()));
    double read = weightBytes.getOrDefault(who, 0.0) * speed.median() / GIGA;
    double possible = limit.map(found -> found.path("read_gbytes").asDouble()).orElse(Double.NaN);
    return String.format(
        Locale.ROOT,
        "| %s | %s | %s | %s | %s |",
        who.text,
        speed.text(1),
        read == 0 ? "–" : String.format(Locale.ROOT, "%.1f", read),
        read == 0 || Double.isNaN(possible)
            ? "–"
            : String.format(Locale.ROOT, "%.0f %%", 100 * read / possible),
        goal(who));
  }

  /** Both were measured in turns, so ratios are those of runs that followed each other. */
  private String goal(Decoding who) {
    Goal goal = GOALS.get(who);
    if (goal == null) {
      return "–";
    }
    Timings ratio =
        Timings.ratios(
            decoding.getOrDefault(who, List.of()), decoding.getOrDefault(goal.beside, List.of()));
    return ratio.text(2)
        + " × "
        + goal.beside.text
        + ", "
        + CompareTargets.atLeast("%.1f ×", goal.times, ratio.median());
  }

  private String contextRow(Context one) {
    double ratio = (double) one.bytes / contexts.getFirst().bytes;
    return String.format(
        Locale.ROOT,
        "| %d | %.3f | %.2f | %s |",
        one.length,
        one.bytes / GIGA,
        one.seconds,
        CompareTargets.atMost("%.1f × the shortest", SAME_MEMORY, ratio));
  }

  private static String startRow(Map.Entry<Start, List<Double>> start) {
    Timings seconds = Timings.of(start.getValue());
    double most = start.getKey().most;
    return String.format(
        Locale.ROOT,
        "| %s | %s | %s |",
        start.getKey().text,
        seconds.text(2),
        Double.isInfinite(most) ? "–" : CompareTargets.atMost("%.1f s", most, seconds.median()));
  }
}
