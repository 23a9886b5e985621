package dev.lorikeet.bench.gpu;

import dev.lorikeet.bench.BenchModel;
import dev.lorikeet.bench.BenchShape;
import dev.lorikeet.bench.Timings;
import dev.lorikeet.bench.gpu.GpuTarget.Sense;
import dev.lorikeet.format.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The Markdown of a set of measurements: medians over the steps of all runs but each run's first,
 * memory, ratios and targets. What was not measured is named, with the reason that its line gives.
 *
 * <p>Arguments: a file of lines of JSON, a file of text about the machine, and the file to write.
 */
public final class GpuReport {
  private static final double GIBI = 1L << 30;
  private static final String OURS = "lorikeet";
  private static final String PEER = "peft";
  private static final String TARGET_SHAPE = BenchShape.THREE_B.name().toLowerCase(Locale.ROOT);
  private static final String DRY_SHAPE = BenchShape.TINY.name().toLowerCase(Locale.ROOT);

  /** What was asked to be measured, by whom and where. */
  private record Key(String shape, String technique, String who) {
    @Override
    public String toString() {
      return shape + " " + technique + " " + who;
    }
  }

  private final Map<Key, List<JsonNode>> lines = new LinkedHashMap<>();
  private final Set<String> shapes = new LinkedHashSet<>();
  private final Set<String> techniques = new LinkedHashSet<>();

  GpuReport(List<String> json) {
    for (String text : json) {
      JsonNode line = JsonMapper.shared().readTree(text);
      Key key =
          new Key(
              line.path("shape").asString(),
              line.path("technique").asString(),
              line.path("who").asString());
      shapes.add(key.shape);
      techniques.add(key.technique);
      lines.computeIfAbsent(key, _ -> new ArrayList<>()).add(line);
    }
  }

  /** The program; prints what it writes. */
  public static void main(String[] arguments) throws IOException {
    String machine = Files.readString(Path.of(arguments[1]));
    String text = new GpuReport(Files.readAllLines(Path.of(arguments[0]))).text(machine);
    AtomicFile.writeString(Path.of(arguments[2]), text);
    System.out.print(text);
  }

  /** The whole document, below the text about the machine. */
  String text(String machine) {
    List<String> text = new ArrayList<>();
    text.add(machine.strip());
    text.add("");
    text.add(
        String.format(
            Locale.ROOT,
            "%d sequences of %d tokens, rank 8 on all linear layers; medians (least–most) of all steps but the first of each run. Memory is the most that was allocated at one time%s.",
            GpuRun.EXAMPLES,
            BenchModel.SEQUENCE,
            peerVersions().map(versions -> "; PEFT ran with " + versions).orElse("")));
    text.add("");
    text.add(
        "| shape | technique | tokens/s | memory, GiB | time / LoRA | PEFT tokens/s | PEFT memory, GiB | tokens/s / PEFT | memory / PEFT |");
    text.add("|---|---|---|---|---|---|---|---|---|");
    for (String shape : shapes) {
      techniques.forEach(technique -> text.add(row(shape, technique)));
    }
    text.add("");
    text.add("| target | wanted | found |");
    text.add("|---|---|---|");
    targets().forEach(target -> text.add(target.row()));
    List<String> missing = missing();
    if (!missing.isEmpty()) {
      text.add("");
      text.add("Not measured:");
      text.add("");
      text.addAll(missing);
    }
    return String.join("\n", text) + "\n";
  }

  private Optional<String> peerVersions() {
    return lines.values().stream()
        .flatMap(List::stream)
        .filter(line -> line.has("versions"))
        .map(line -> line.path("versions").asString())
        // Runs over 4-bit bases name one library more.
        .max(Comparator.comparingInt(String::length));
  }

  private String row(String shape, String technique) {
    Key ours = new Key(shape, technique, OURS);
    Key peer = new Key(shape, technique, PEER);
    List<String> cells =
        List.of(
            shape,
            technique,
            speed(ours).map(speed -> speed.text(0)).orElse("–"),
            number(memory(ours)),
            number(ratio(median(new Key(shape, "lora", OURS)), median(ours))),
            speed(peer).map(speed -> speed.text(0)).orElse("–"),
            number(memory(peer)),
            number(ratio(median(ours), median(peer))),
            number(ratio(memory(ours), memory(peer))));
    return "| " + String.join(" | ", cells) + " |";
  }

  /** Those of a GPU; a dry run on the CPU has none that is measured. */
  private List<GpuTarget> targets() {
    Set<String> judged = new LinkedHashSet<>(shapes);
    judged.add(TARGET_SHAPE);
    judged.remove(DRY_SHAPE);
    List<GpuTarget> targets = new ArrayList<>();
    for (String shape : judged) {
      Key lora = new Key(shape, "lora", OURS);
      Key dora = new Key(shape, "dora", OURS);
      Key qlora = new Key(shape, "qlora", OURS);
      Key peer = new Key(shape, "qlora", PEER);
      if (shape.equals(TARGET_SHAPE)) {
        targets.add(
            target(
                shape + ": QLoRA tokens/s / PEFT", Sense.AT_LEAST, 1.8, speedRatio(qlora, peer)));
        targets.add(
            target(
                shape + ": QLoRA memory / PEFT",
                Sense.AT_MOST,
                0.5,
                onGpu(qlora, peer) ? ratio(memory(qlora), memory(peer)) : OptionalDouble.empty()));
      }
      targets.add(
          target(shape + ": DoRA step / LoRA step", Sense.AT_MOST, 1.05, speedRatio(lora, dora)));
      targets.add(
          target(shape + ": QLoRA step / LoRA step", Sense.AT_MOST, 1.15, speedRatio(lora, qlora)));
    }
    return targets;
  }

  private static GpuTarget target(String what, Sense sense, double limit, OptionalDouble found) {
    return new GpuTarget(what, sense, limit, found);
  }

  private OptionalDouble speedRatio(Key of, Key to) {
    return onGpu(of, to) ? ratio(median(of), median(to)) : OptionalDouble.empty();
  }

  private boolean onGpu(Key... keys) {
    return List.of(keys).stream()
        .flatMap(key -> measured(key).stream())
        .allMatch(line -> line.path("device").asString().startsWith("cuda"));
  }

  private List<String> missing() {
    List<String> missing = new ArrayList<>();
    lines.forEach((key, all) ->
        all.stream()
            .filter(line -> line.has("missing"))
            .findFirst()
            .ifPresent(line -> missing.add("- " + key + ": " + line.path("missing").asString())));
    if (lines.keySet().stream().noneMatch(key -> key.who.equals(PEER))) {
      missing.add("- PEFT: not run, for no Python was named (--python)");
      return missing;
    }
    for (String shape : shapes) {
      for (String technique : techniques) {
        Key peer = new Key(shape, technique, PEER);
        if (!lines.containsKey(peer)) {
          missing.add("- " + peer + ": not run");
        }
      }
    }
    return missing;
  }

  /** Tokens a second of every counted step: a run's first one warms up. */
  private Optional<Timings> speed(Key key) {
    double tokens = (double) GpuRun.EXAMPLES * BenchModel.SEQUENCE;
    List<Double> speeds =
        measured(key).stream()
            .flatMap(line -> line.path("steps").valueStream().skip(1))
            .map(seconds -> tokens / seconds.asDouble())
            .toList();
    return speeds.isEmpty() ? Optional.empty() : Optional.of(Timings.of(speeds));
  }

  private OptionalDouble median(Key key) {
    return speed(key).stream().mapToDouble(Timings::median).findFirst();
  }

  /** GiB; empty where nobody counted. */
  private OptionalDouble memory(Key key) {
    return measured(key).stream()
        .filter(line -> line.has("peak_bytes"))
        .mapToDouble(line -> line.path("peak_bytes").asDouble() / GIBI)
        .max();
  }

  private List<JsonNode> measured(Key key) {
    return lines.getOrDefault(key, List.of()).stream().filter(line -> line.has("steps")).toList();
  }

  private static OptionalDouble ratio(OptionalDouble of, OptionalDouble to) {
    return of.isPresent() && to.isPresent()
        ? OptionalDouble.of(of.getAsDouble() / to.getAsDouble())
        : OptionalDouble.empty();
  }

  private static String number(OptionalDouble number) {
    return number.isPresent() ? String.format(Locale.ROOT, "%.2f", number.getAsDouble()) : "–";
  }
}
