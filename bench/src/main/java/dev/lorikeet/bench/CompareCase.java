package dev.lorikeet.bench;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * A kind of training that is timed on both sides.
 *
 * @param shape the model
 * @param technique key of the recipe
 * @param data what is learned
 * @param memory whether activations are kept
 * @param targets what is aimed at
 */
record CompareCase(
    String name,
    BenchShape shape,
    String technique,
    Data data,
    Memory memory,
    CompareTargets targets) {
  private static final String LORA = "lora";
  private static final String FULL = "full";

  /** Sequences of a step. */
  enum Data {
    /** 4 sequences of 512 tokens, all learned. */
    DENSE,
    /** 8 sequences of 16 to 512 tokens, half of them below 110, the first 40 % not learned. */
    RAGGED
  }

  /** Whether activations are kept or computed again. */
  enum Memory {
    KEPT,
    RECOMPUTED
  }

  /** Every case, in the order of the report. */
  static List<CompareCase> all() {
    CompareTargets none = CompareTargets.none();
    return List.of(
        kept("dense", LORA, none.faster(1.5).resident(2.4)),
        kept("ragged", LORA, none.faster(2.8).resident(2.0)).on(Data.RAGGED),
        kept("recompute", LORA, none.resident(1.2)).recomputed(),
        kept("ragged-recompute", LORA, none.resident(1.2)).on(Data.RAGGED).recomputed(),
        kept("dora", "dora", none.timesLora(1.05).timesLoraTensors(1.12)),
        kept("dora-recompute", "dora", none.timesLoraTensors(1.02)).recomputed(),
        kept("full", FULL, none.faster(1.2).resident(4.0)),
        kept("qlora", "qlora", none.timesLora(1.10).timesLoraTensors(1.0)),
        kept("qdora", "qdora", none.timesLora(1.15).timesLoraTensors(1.0)),
        kept("qwen", LORA, none.faster(1.5).resident(5.2)).of(BenchShape.QWEN),
        kept("qwen-recompute", LORA, none.resident(2.9)).of(BenchShape.QWEN).recomputed());
  }

  private static CompareCase kept(String name, String technique, CompareTargets targets) {
    return new CompareCase(name, BenchShape.SMOLLM2, technique, Data.DENSE, Memory.KEPT, targets);
  }

  private CompareCase on(Data other) {
    return new CompareCase(name, shape, technique, other, memory, targets);
  }

  private CompareCase recomputed() {
    return new CompareCase(name, shape, technique, data, Memory.RECOMPUTED, targets);
  }

  private CompareCase of(BenchShape other) {
    return new CompareCase(name, other, technique, data, memory, targets);
  }

  /** A model that takes a second, for trying the command. */
  CompareCase tiny() {
    return new CompareCase(name, BenchShape.TINY, technique, data, memory, CompareTargets.none());
  }

  /** The same with LoRA, which is what other adapters are measured against. */
  CompareCase asLora() {
    return new CompareCase(name, shape, LORA, data, memory, CompareTargets.none());
  }

  static Optional<CompareCase> named(String name) {
    return all().stream().filter(one -> one.name.equals(name)).findFirst();
  }

  /** Whether PEFT can do it here: its 4-bit bases need a library without a build for such CPUs. */
  boolean hasPeer() {
    return !technique.startsWith("q");
  }

  /** Whether it is an adapter that stands beside LoRA. */
  boolean standsBesideLora() {
    return adapts() && !technique.equals(LORA);
  }

  /** Examples of a step. */
  int examples() {
    return data == Data.DENSE ? 4 : 8;
  }

  /** Whether an adapter is trained, which then starts from the same numbers on both sides. */
  boolean adapts() {
    return !technique.equals(FULL);
  }

  /** What makes the adapter that both sides start from, without a base in 4 bits for PEFT. */
  CompareCase start() {
    return new CompareCase(
        name,
        shape,
        technique.replaceFirst("^q", ""),
        Data.DENSE,
        Memory.KEPT,
        CompareTargets.none());
  }

  String describe() {
    return "%s, %s, %s%s"
        .formatted(
            shape.name().toLowerCase(Locale.ROOT),
            technique,
            data == Data.DENSE ? "4 × 512" : "ragged 8",
            memory == Memory.KEPT ? "" : ", recompute");
  }
}
