package dev.lorikeet.format;

import dev.lorikeet.error.FormatException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What bitsandbytes writes as JSON beside a 4-bit weight, under {@code
 * WEIGHT.quant_state.bitsandbytes__nf4} or {@code …__fp4}.
 *
 * @param type code of the weights
 * @param blockSize weights that share a scale, a power of two from 32 to 4096
 * @param dtype torch's name of the number format that the weight had; kept, not applied
 * @param shape of the weight, [out, in]
 * @param nested how the scales are quantised themselves, if they are
 */
public record FourBitState(
    Type type, int blockSize, String dtype, List<Long> shape, Optional<Nested> nested) {
  private static final int MIN_BLOCK = 32;
  private static final int MAX_BLOCK = 4096;

  /** Which 16 values the codes stand for. */
  public enum Type {
    NF4("nf4"),
    FP4("fp4");

    private final String word;

    Type(String word) {
      this.word = word;
    }

    /** The value of {@code quant_type}. */
    public String word() {
      return word;
    }
  }

  /**
   * Quantised scales.
   *
   * @param blockSize scales that share a scale of their own, a power of two from 32 to 4096
   * @param dtype torch's name of the number format of the scales
   * @param offset what was subtracted from the scales, finite
   */
  public record Nested(int blockSize, String dtype, float offset) {
    /** Checks the ranges. */
    public Nested {
      requireBlock(blockSize);
      if (!Float.isFinite(offset)) {
        throw new IllegalStateException("offset " + offset);
      }
    }
  }

  /** Checks the ranges. */
  public FourBitState {
    shape = List.copyOf(shape);
    requireBlock(blockSize);
    if (shape.size() != 2 || shape.stream().anyMatch(extent -> extent < 1)) {
      throw new IllegalStateException("shape " + shape);
    }
  }

  private static void requireBlock(int blockSize) {
    if (!isBlock(blockSize)) {
      throw new IllegalStateException("block size " + blockSize);
    }
  }

  private static boolean isBlock(int size) {
    return Integer.bitCount(size) == 1 && size >= MIN_BLOCK && size <= MAX_BLOCK;
  }

  /** Number of weights. */
  public long elements() {
    return TensorEntry.elements(shape);
  }

  /** Bytes of the codes: two weights a byte. */
  public long codeBytes() {
    return Math.ceilDiv(elements(), 2);
  }

  /** Number of scales. */
  public long blocks() {
    return Math.ceilDiv(elements(), blockSize);
  }

  /** Number of scales of scales; 0 where the scales are not quantised. */
  public long nestedBlocks() {
    return nested.isPresent() ? Math.ceilDiv(blocks(), nested.get().blockSize()) : 0;
  }

  /**
   * Reads the JSON of a file.
   *
   * @param place name of the tensor that holds it, for messages
   * @throws FormatException if it is not JSON, lacks a key, or holds values that cannot be
   */
  static FourBitState parse(Path file, String place, MemorySegment json) {
    JsonConfig state = JsonConfig.parse(file, place, json.toArray(ValueLayout.JAVA_BYTE));
    String word = state.requiredString("quant_type");
    Type type = null;
    for (Type candidate : Type.values()) {
      type = candidate.word.equals(word) ? candidate : type;
    }
    if (type == null) {
      throw state.wrong("quant_type", "nf4 or fp4");
    }
    List<Integer> shape = state.intList("shape");
    if (shape.size() != 2 || shape.stream().anyMatch(extent -> extent < 1)) {
      throw state.wrong("shape", "two positive integers");
    }
    return new FourBitState(
        type,
        block(state, "blocksize"),
        state.requiredString("dtype"),
        shape.stream().map(Integer::longValue).toList(),
        nested(state));
  }

  private static Optional<Nested> nested(JsonConfig state) {
    if (!state.has("nested_blocksize") && !state.has("nested_offset")) {
      return Optional.empty();
    }
    float offset = (float) state.requiredDouble("nested_offset");
    if (!Float.isFinite(offset)) {
      throw state.wrong("nested_offset", "a finite number");
    }
    return Optional.of(
        new Nested(
            block(state, "nested_blocksize"),
            state.findString("nested_dtype").orElse("float32"),
            offset));
  }

  private static int block(JsonConfig state, String key) {
    int size = state.requiredInt(key);
    if (!isBlock(size)) {
      throw state.wrong(key, "a power of two from " + MIN_BLOCK + " to " + MAX_BLOCK);
    }
    return size;
  }

  /** The JSON text, with the keys in bitsandbytes' order. */
  byte[] json() {
    ObjectNode root = JsonFile.COMPACT.createObjectNode();
    root.put("quant_type", type.word);
    root.put("blocksize", blockSize);
    root.put("dtype", dtype);
    ArrayNode extents = root.putArray("shape");
    shape.forEach(extents::add);
    nested.ifPresent(scales -> {
      root.put("nested_blocksize", scales.blockSize());
      root.put("nested_dtype", scales.dtype());
      // Python has no float32: the same number with the digits of a double.
      root.put("nested_offset", (double) scales.offset());
    });
    return JsonFile.COMPACT.writeValueAsBytes(root);
  }
}
