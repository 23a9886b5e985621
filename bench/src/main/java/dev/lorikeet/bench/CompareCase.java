package dev.lorikeet.bench;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * A kind of training that is timed on both sides.
 *
 * @param shape the model
 * @param technique key of the recipe
 * @param data what is learned
 * @param memory whether activations are kept
 * @param peer whether PEFT can do it on a CPU
 * @param fasterThanPeer how many times the useful tokens a second of PEFT are aimed at
 * @param residentGigabytes most memory of the process that is aimed at, in 10⁹ bytes
 */
record CompareCase(
    String name,
    BenchShape shape,
    String technique,
    Data data,
    Memory memory,
    Peer peer,
    OptionalDouble fasterThanPeer,
    OptionalDouble residentGigabytes) {

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

  /** Whether there is something to compare with. */
  enum Peer {
    PEFT,
    /** PEFT's 4-bit bases need a library without a build for CPUs such as this one. */
    MISSING
  }

  /** Every case, in the order of the report. */
  static List<CompareCase> all() {
    return List.of(
        of("dense", BenchShape.SMOLLM2, "lora", Data.DENSE, Memory.KEPT, 1.5, 2.4),
        of("ragged", BenchShape.SMOLLM2, "lora", Data.RAGGED, Memory.KEPT, 2.8, 2.0),
        of("recompute", BenchShape.SMOLLM2, "lora", Data.DENSE, Memory.RECOMPUTED, 0, 1.2),
        of("ragged-recompute", BenchShape.SMOLLM2, "lora", Data.RAGGED, Memory.RECOMPUTED, 0, 1.2),
        of("dora", BenchShape.SMOLLM2, "dora", Data.DENSE, Memory.KEPT, 0, 0),
        of("dora-recompute", BenchShape.SMOLLM2, "dora", Data.DENSE, Memory.RECOMPUTED, 0, 0),
        of("full", BenchShape.SMOLLM2, "full", Data.DENSE, Memory.KEPT, 1.2, 4.0),
        of("qlora", BenchShape.SMOLLM2, "qlora", Data.DENSE, Memory.KEPT, 0, 0),
        of("qdora", BenchShape.SMOLLM2, "qdora", Data.DENSE, Memory.KEPT, 0, 0),
        of("qwen", BenchShape.QWEN, "lora", Data.DENSE, Memory.KEPT, 1.5, 5.2),
        of("qwen-recompute", BenchShape.QWEN, "lora", Data.DENSE, Memory.RECOMPUTED, 0, 2.9));
  }

  /** A model that takes a second, for trying the command. */
  CompareCase tiny() {
    return new CompareCase(
        name,
        BenchShape.TINY,
        technique,
        data,
        memory,
        peer,
        OptionalDouble.empty(),
        OptionalDouble.empty());
  }

  static Optional<CompareCase> named(String name) {
    return all().stream().filter(one -> one.name.equals(name)).findFirst();
  }

  private static CompareCase of(
      String name,
      BenchShape shape,
      String technique,
      Data data,
      Memory memory,
      double faster,
      double gigabytes) {
    return new CompareCase(
        name,
        shape,
        technique,
        data,
        memory,
        technique.startsWith("q") ? Peer.MISSING : Peer.PEFT,
        faster > 0 ? OptionalDouble.of(faster) : OptionalDouble.empty(),
        gigabytes > 0 ? OptionalDouble.of(gigabytes) : OptionalDouble.empty());
  }

  /** Examples of a step. */
  int examples() {
    return data == Data.DENSE ? 4 : 8;
  }

  /** Whether an adapter is trained, which then starts from the same numbers on both sides. */
  boolean adapts() {
    return !technique.equals("full");
  }

  /** The technique whose adapter PEFT reads: quantised bases share it. */
  String startTechnique() {
    return technique.replaceFirst("^q", "");
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
