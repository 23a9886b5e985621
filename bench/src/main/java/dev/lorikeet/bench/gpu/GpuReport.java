package dev.lorikeet.bench.gpu;

import dev.lorikeet.bench.BenchShape;
import dev.lorikeet.format.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The Markdown of a set of measurements: medians over all steps of all runs, memory, ratios and
 * targets. What was not measured is named, with the reason that its line gives.
 *
 * <p>Arguments: a file of lines of JSON, a file of text about the machine, and the file to write.
 */
public final class GpuReport {
  private static final double GIBI = 1L << 30;
  private static final String OURS = "lorikeet";
  private static final String PEER = "peft";

  /** Measurements by shape, technique and who made them. */
  private final Map<String, List<JsonNode>> lines = new LinkedHashMap<>();

  private final Set<String> shapes = new LinkedHashSet<>();
  private final Set<String> techniques = new LinkedHashSet<>();

  GpuReport(List<String> json) {
    for (String text : json) {
      JsonNode line = JsonMapper.shared().readTree(text);
      String shape = line.path("shape").asString();
      String technique = line.path("technique").asString();
      shapes.add(shape);
      techniques.add(technique);
      lines
          .computeIfAbsent(
              key(shape, technique, line.path("who").asString()), _ -> new ArrayList<>())
          .add(line);
    }
  }

  /** The program; prints what it writes. */
  public static void main(String[] arguments) throws IOException {
    String machine = Files.readString(Path.of(arguments[1]));
    String text = new GpuReport(Files.readAllLines(Path.of(arguments[0]))).text(machine);
    AtomicFile.writeString(Path.of(arguments[2]), text);
    System.out.print(text);
  }

  private static String key(String shape, String technique, String who) {
    return shape + " " + technique + " " + who;
  }

  /** The whole document, below the text about the machine. */
  String text(String machine) {
    StringBuilder text = new StringBuilder(machine.strip()).append("\n\n");
    text.append(
        "4 sequences of 512 tokens, rank 8 on all linear layers; medians of all steps.\n\n");
    text.append(
        "| shape | technique | tokens/s | memory, GiB | time / LoRA | PEFT tokens/s | PEFT memory, GiB | tokens/s / PEFT | memory / PEFT |\n");
    text.append("|---|---|---|---|---|---|---|---|---|\n");
    for (String shape : shapes) {
      techniques.forEach(technique -> text.append(row(shape, technique)));
    }
    text.append("\n| target | wanted | found |\n|---|---|---|\n");
    for (String shape : shapes) {
      targets(text, shape);
    }
    missing(text);
    return text.toString();
  }

  private String row(String shape, String technique) {
    OptionalDouble ours = speed(shape, technique, OURS);
    OptionalDouble peer = speed(shape, technique, PEER);
    OptionalDouble memory = memory(shape, technique, OURS);
    OptionalDouble peerMemory = memory(shape, technique, PEER);
    return "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n"
        .formatted(
            shape,
            technique,
            number("%.0f", ours),
            number("%.2f", memory),
            number("%.2f", ratio(speed(shape, "lora", OURS), ours)),
            number("%.0f", peer),
            number("%.2f", peerMemory),
            number("%.2f", ratio(ours, peer)),
            number("%.2f", ratio(memory, peerMemory)));
  }

  private void targets(StringBuilder text, String shape) {
    if (shape.equalsIgnoreCase(BenchShape.TINY.name())) {
      return; // too small for a target
    }
    OptionalDouble lora = speed(shape, "lora", OURS);
    target(
        text,
        shape + ": DoRA step / LoRA step",
        "≤ 1.05",
        1.05,
        -1,
        ratio(lora, speed(shape, "dora", OURS)));
    target(
        text,
        shape + ": QLoRA step / LoRA step",
        "≤ 1.15",
        1.15,
        -1,
        ratio(lora, speed(shape, "qlora", OURS)));
    if (shape.equalsIgnoreCase(BenchShape.THREE_B.name())) {
      target(
          text,
          shape + ": QLoRA tokens/s / PEFT",
          "≥ 1.8",
          1.8,
          1,
          ratio(speed(shape, "qlora", OURS), speed(shape, "qlora", PEER)));
      target(
          text,
          shape + ": QLoRA memory / PEFT",
          "≤ 0.5",
          0.5,
          -1,
          ratio(memory(shape, "qlora", OURS), memory(shape, "qlora", PEER)));
    }
  }

  /** {@code sense} is 1 where more is better and −1 where less is. */
  private static void target(
      StringBuilder text,
      String name,
      String wanted,
      double limit,
      int sense,
      OptionalDouble found) {
    String verdict =
        found.isEmpty()
            ? "not measured"
            : number("%.2f", found)
                + (sense * (found.getAsDouble() - limit) >= 0 ? ", met" : ", missed");
    text.append("| ").append(name).append(" | ").append(wanted).append(" | ").append(verdict);
    text.append(" |\n");
  }

  private void missing(StringBuilder text) {
    StringBuilder reasons = new StringBuilder();
    lines.forEach((key, all) ->
        all.stream()
            .filter(line -> line.has("missing"))
            .findFirst()
            .ifPresent(line ->
                reasons
                    .append("- ")
                    .append(key)
                    .append(": ")
                    .append(line.path("missing").asString())
                    .append('\n')));
    for (String shape : shapes) {
      for (String technique : techniques) {
        if (!lines.containsKey(key(shape, technique, PEER))) {
          reasons.append("- ").append(key(shape, technique, PEER)).append(": not run\n");
        }
      }
    }
    if (!reasons.isEmpty()) {
      text.append("\nNot measured:\n\n").append(reasons);
    }
  }

  private OptionalDouble speed(String shape, String technique, String who) {
    double[] seconds =
        measured(shape, technique, who).stream()
            .flatMap(line -> line.path("seconds").valueStream())
            .mapToDouble(JsonNode::asDouble)
            .sorted()
            .toArray();
    if (seconds.length == 0) {
      return OptionalDouble.empty();
    }
    double median = (seconds[(seconds.length - 1) / 2] + seconds[seconds.length / 2]) / 2;
    return OptionalDouble.of(GpuRun.TOKENS / median);
  }

  private OptionalDouble memory(String shape, String technique, String who) {
    return measured(shape, technique, who).stream()
        .mapToDouble(line -> line.path("peak_bytes").asDouble() / GIBI)
        .max();
  }

  private List<JsonNode> measured(String shape, String technique, String who) {
    return lines.getOrDefault(key(shape, technique, who), List.of()).stream()
        .filter(line -> line.has("seconds"))
        .toList();
  }

  private static OptionalDouble ratio(OptionalDouble of, OptionalDouble to) {
    return of.isPresent() && to.isPresent()
        ? OptionalDouble.of(of.getAsDouble() / to.getAsDouble())
        : OptionalDouble.empty();
  }

  private static String number(String format, OptionalDouble number) {
    return number.isPresent() ? String.format(Locale.ROOT, format, number.getAsDouble()) : "–";
  }
}
