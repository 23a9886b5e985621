package dev.lorikeet.format;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.format.StoredQuantization.Blocks;
import dev.lorikeet.format.StoredQuantization.FourBit;
import dev.lorikeet.format.StoredQuantization.Int8;
import dev.lorikeet.format.StoredQuantization.NestedScales;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Quantised weights in bitsandbytes' published layout.
 *
 * <pre>
 * 4 bits  W                                   U8  [⌈n/2⌉, 1]  codes, even weight in the high bits
 *         W.absmax                            F32 [blocks], or U8 [blocks] if nested
 *         W.quant_map                         F32 [16]
 *         W.nested_absmax, .nested_quant_map  F32 [⌈blocks/256⌉], F32 [256]; only if nested
 *         W.quant_state.bitsandbytes__TYPE    U8: JSON, see {@link FourBitState}
 * 8 bits  M.weight, M.SCB, M.weight_format    I8 [out, in], F32 [out], U8 scalar 0 (row-major)
 * </pre>
 *
 * W is the weight's name such as {@code M.weight}, M the module's, TYPE nf4 or fp4.
 */
public final class BitsAndBytes {
  /** The value of {@code quant_method} in config.json. */
  public static final String METHOD = "bitsandbytes";

  private static final String STATE = ".quant_state.";
  private static final String STATE_PREFIX = STATE + METHOD + "__";
  private static final String WEIGHT = ".weight";
  private static final String ADVICE = " Download the model again, or quantise it anew.";

  private BitsAndBytes() {}

  /**
   * The quantised weight {@code name}; empty if the checkpoint holds it as plain numbers or not at
   * all.
   *
   * @param expectedShape [out, in] as config.json implies it
   * @param impliedBy the keys that imply it, for the message
   * @throws FormatException if a piece is missing or of another size, or the state is broken
   */
  public static Optional<StoredQuantization> read(
      HfCheckpoint checkpoint, String name, List<Long> expectedShape, String impliedBy) {
    if (!isQuantised(checkpoint, name)) {
      return Optional.empty();
    }
    Pieces pieces = new Pieces(checkpoint, name);
    StoredQuantization stored =
        checkpoint.entry(name).type() == StoredType.I8 ? pieces.int8() : pieces.fourBit();
    if (!stored.shape().equals(expectedShape)) {
      throw pieces.broken(
          name,
          "shape %s, but config.json implies %s (%s)."
              .formatted(stored.shape(), expectedShape, impliedBy));
    }
    return Optional.of(stored);
  }

  /** Whether the checkpoint holds the weight {@code name} in another form than plain numbers. */
  public static boolean isQuantised(HfCheckpoint checkpoint, String name) {
    return checkpoint.contains(name) && !checkpoint.entry(name).type().isFloat();
  }

  /** The word for the first quantised weight: nf4, fp4 or int8; empty if all are plain numbers. */
  public static Optional<String> format(HfCheckpoint checkpoint) {
    for (String name : checkpoint.names()) {
      if (name.endsWith(WEIGHT) && isQuantised(checkpoint, name)) {
        String nf4 = name + STATE_PREFIX + FourBitState.Type.NF4.word();
        boolean bytes = checkpoint.entry(name).type() == StoredType.I8;
        return Optional.of(bytes ? "int8" : checkpoint.contains(nf4) ? "nf4" : "fp4");
      }
    }
    return Optional.empty();
  }

  /** Whether {@code name} belongs to a quantised weight and is not one itself. */
  public static boolean isCompanion(String name) {
    return name.contains(STATE)
        || name.endsWith(".absmax")
        || name.endsWith(".quant_map")
        || name.endsWith(".nested_absmax")
        || name.endsWith(".nested_quant_map")
        || name.endsWith(".SCB")
        || name.endsWith(".weight_format");
  }

  /** The tensors of a quantised weight, to be written; their segments are those given. */
  public static Map<String, TensorData> tensors(String name, StoredQuantization weight) {
    Map<String, TensorData> tensors = new LinkedHashMap<>();
    switch (weight) {
      case FourBit fourBit -> addFourBit(tensors, name, fourBit);
      case Int8 int8 -> {
        String module = module(name);
        tensors.put(name, new TensorData(StoredType.I8, int8.shape(), int8.codes()));
        tensors.put(module + ".SCB", floats(int8.rowScales()));
        MemorySegment rowMajor = MemorySegment.ofArray(new byte[] {0});
        tensors.put(module + ".weight_format", new TensorData(StoredType.U8, List.of(), rowMajor));
      }
      case Blocks blocks ->
          throw new ConfigException(
              "%s is held in GGUF blocks (%s), which bitsandbytes has no form for; set model.dtype (float32, bfloat16 or float16), so that it becomes plain numbers"
                  .formatted(name, blocks.type()));
    }
    return tensors;
  }

  private static void addFourBit(Map<String, TensorData> tensors, String name, FourBit weight) {
    tensors.put(
        name,
        new TensorData(StoredType.U8, List.of(weight.state().codeBytes(), 1L), weight.codes()));
    tensors.put(
        name + ".absmax",
        weight.nested().isPresent() ? bytes(weight.scales()) : floats(weight.scales()));
    tensors.put(name + ".quant_map", floats(weight.map()));
    weight
        .nested()
        .ifPresent(nested -> {
          tensors.put(name + ".nested_absmax", floats(nested.absmax()));
          tensors.put(name + ".nested_quant_map", floats(nested.map()));
        });
    tensors.put(
        name + STATE_PREFIX + weight.state().type().word(),
        bytes(MemorySegment.ofArray(weight.state().json())));
  }

  private static TensorData floats(MemorySegment values) {
    return new TensorData(StoredType.F32, List.of(values.byteSize() / Float.BYTES), values);
  }

  private static TensorData bytes(MemorySegment values) {
    return new TensorData(StoredType.U8, List.of(values.byteSize()), values);
  }

  /**
   * The value of {@code quantization_config} that transformers reads back.
   *
   * @param weight any one of the model's quantised weights
   */
  public static Map<String, Object> config(StoredQuantization weight) {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("quant_method", METHOD);
    config.put("load_in_4bit", weight instanceof FourBit);
    config.put("load_in_8bit", weight instanceof Int8);
    config.put("_load_in_4bit", weight instanceof FourBit);
    config.put("_load_in_8bit", weight instanceof Int8);
    if (weight instanceof FourBit fourBit) {
      config.put("bnb_4bit_quant_type", fourBit.state().type().word());
      config.put("bnb_4bit_use_double_quant", fourBit.nested().isPresent());
      config.put("bnb_4bit_compute_dtype", "float32");
      config.put("bnb_4bit_quant_storage", "uint8");
    } else {
      config.put("llm_int8_threshold", 6.0);
    }
    config.put("llm_int8_skip_modules", List.of("lm_head"));
    return config;
  }

  private static String module(String weight) {
    if (!weight.endsWith(WEIGHT)) {
      throw new IllegalStateException(weight + " is not called " + WEIGHT);
    }
    return weight.substring(0, weight.length() - WEIGHT.length());
  }

  /** The tensors that belong to one weight. */
  private record Pieces(HfCheckpoint checkpoint, String name) {

    FourBit fourBit() {
      FourBitState state = state();
      require(name, StoredType.U8, state.codeBytes());
      boolean nested = state.nested().isPresent();
      return new FourBit(
          state,
          checkpoint.bytes(name),
          require(name + ".absmax", nested ? StoredType.U8 : StoredType.F32, state.blocks()),
          require(name + ".quant_map", StoredType.F32, 16),
          nested ? Optional.of(nestedScales(state)) : Optional.empty());
    }

    private NestedScales nestedScales(FourBitState state) {
      return new NestedScales(
          require(name + ".nested_absmax", StoredType.F32, state.nestedBlocks()),
          require(name + ".nested_quant_map", StoredType.F32, 256));
    }

    private FourBitState state() {
      for (FourBitState.Type type : FourBitState.Type.values()) {
        String place = name + STATE_PREFIX + type.word();
        if (checkpoint.contains(place)) {
          long bytes = checkpoint.entry(place).elements();
          MemorySegment json = require(place, StoredType.U8, bytes);
          FourBitState state = FourBitState.parse(checkpoint.fileOf(place), place, json);
          if (state.type() != type) {
            throw broken(place, "the state says quant_type " + state.type().word() + ".");
          }
          return state;
        }
      }
      Set<String> names = checkpoint.names();
      Optional<String> other = names.stream().filter(n -> n.startsWith(name + STATE)).findFirst();
      throw other.isPresent()
          ? broken(
              other.get(),
              "an unknown kind of quantisation; known are %snf4 and fp4."
                  .formatted(STATE_PREFIX.substring(1)))
          : broken(
              name + STATE_PREFIX + "nf4",
              "the weight is %s, but this piece of its quantised form is missing."
                  .formatted(checkpoint.entry(name).type()));
    }

    Int8 int8() {
      TensorEntry entry = checkpoint.entry(name);
      String module = module(name);
      if (entry.shape().size() != 2) {
        throw broken(name, "shape " + entry.shape() + ", but a weight has two dimensions.");
      }
      String format = module + ".weight_format";
      if (checkpoint.contains(format)) {
        int layout = require(format, StoredType.U8, 1).get(ValueLayout.JAVA_BYTE, 0);
        if (layout != 0) {
          throw broken(format, "layout " + layout + " is not supported; 0, row-major, is.");
        }
      }
      return new Int8(
          entry.shape(),
          checkpoint.bytes(name),
          require(module + ".SCB", StoredType.F32, entry.shape().getFirst()));
    }

    /** The bytes of a piece that has to be there, of this type and this many elements. */
    private MemorySegment require(String piece, StoredType type, long elements) {
      if (!checkpoint.contains(piece)) {
        throw broken(piece, "this piece of the quantised weight is missing.");
      }
      TensorEntry entry = checkpoint.entry(piece);
      if (entry.type() != type || entry.elements() != elements) {
        throw broken(
            piece,
            "%s %s, but the quantised weight needs %d elements of %s."
                .formatted(entry.type(), entry.shape(), elements, type));
      }
      return checkpoint.bytes(piece);
    }

    FormatException broken(String piece, String problem) {
      return new FormatException(
          checkpoint.contains(piece) ? checkpoint.fileOf(piece) : checkpoint.fileOf(name),
          piece,
          problem + ADVICE);
    }
  }
}
