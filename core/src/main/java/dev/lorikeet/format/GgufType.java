package dev.lorikeet.format;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Number format of a tensor in a GGUF file: plain numbers, or blocks with a scale each. */
public enum GgufType {
  F32(0, 1, 4),
  F16(1, 1, 2),
  BF16(30, 1, 2),
  /** 32 weights: a float16 scale, then 4 bits a weight, which stand for −8..7. */
  Q4_0(2, 32, 18),
  /** 32 weights: a float16 scale, then a signed byte a weight. */
  Q8_0(8, 32, 34),
  /** 256 weights: two float16, eight pairs of 6 bits (scale, minimum), then 4 bits a weight. */
  Q4_K(12, 256, 144),
  /** 256 weights: 4 low bits, 2 high bits, sixteen scales of 8 bits, a float16. */
  Q6_K(14, 256, 210);

  /** Names of all types by id, as ggml.h lists them; an empty one is not in use. */
  private static final List<String> NAMES =
      List.of(
          "F32",
          "F16",
          "Q4_0",
          "Q4_1",
          "Q4_2",
          "Q4_3",
          "Q5_0",
          "Q5_1",
          "Q8_0",
          "Q8_1",
          "Q2_K",
          "Q3_K",
          "Q4_K",
          "Q5_K",
          "Q6_K",
          "Q8_K",
          "IQ2_XXS",
          "IQ2_XS",
          "IQ3_XXS",
          "IQ1_S",
          "IQ4_NL",
          "IQ3_S",
          "IQ2_S",
          "IQ4_XS",
          "I8",
          "I16",
          "I32",
          "I64",
          "F64",
          "IQ1_M",
          "BF16",
          "Q4_0_4_4",
          "Q4_0_4_8",
          "Q4_0_8_8",
          "TQ1_0",
          "TQ2_0",
          "IQ4_NL_4_4",
          "IQ4_NL_4_8",
          "IQ4_NL_8_8",
          "MXFP4",
          "NVFP4");

  private final int id;
  private final int blockElements;
  private final int blockBytes;

  GgufType(int id, int blockElements, int blockBytes) {
    this.id = id;
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
  }

  /** Weights in a block; 1 for plain numbers. */
  public int blockElements() {
    return blockElements;
  }

  /** Bytes of a block. */
  public int blockBytes() {
    return blockBytes;
  }

  /** Whether weights share scales. */
  public boolean isBlocked() {
    return blockElements > 1;
  }

  /** Bytes of {@code elements} weights, whole blocks. */
  public long bytes(long elements) {
    return Math.multiplyExact(elements / blockElements, (long) blockBytes);
  }

  /** The type of this id in files, or nothing when it is not read here. */
  static Optional<GgufType> of(int id) {
    return Arrays.stream(values()).filter(type -> type.id == id).findFirst();
  }

  /** What ggml calls the type of this id. */
  static String nameOf(int id) {
    return id >= 0 && id < NAMES.size() ? NAMES.get(id) : "number " + Integer.toUnsignedString(id);
  }
}
