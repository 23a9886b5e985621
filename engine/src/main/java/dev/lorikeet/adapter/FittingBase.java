package dev.lorikeet.adapter;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.format.BitsAndBytes;
import dev.lorikeet.format.TensorData;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.quant.QuantizedLinear;
import dev.lorikeet.quant.QuantizedWeight;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The quantised weights below an adapter that started as {@link LoftQ}: it makes up for the errors
 * of these codes and misfits all others, the unquantised ones included. So their hash is written
 * with the adapter, and looked at when it is read. The hash is SHA-256 of name and bytes of every
 * tensor of the adapted weights in bitsandbytes' layout, map after map, by name.
 */
final class FittingBase {
  private static final int CHUNK_BYTES = 1 << 20;

  private final boolean mending;
  private final Optional<GivenAdapter> given;
  private final List<QuantizedLinear> maps = new ArrayList<>();
  private Optional<String> hash = Optional.empty();

  /**
   * What is below an adapter.
   *
   * @param mending whether it is to start as LoftQ
   * @param given its files, if it comes from some
   */
  FittingBase(boolean mending, Optional<GivenAdapter> given) {
    this.mending = mending && given.isEmpty();
    this.given = given;
  }

  /** Refuses a map whose weight was quantised before it could be mended. */
  static void requireDense(Linear base) {
    if (base instanceof QuantizedLinear) {
      throw new ConfigException(
          "adapter.init_lora_weights: loftq needs the weights before quantisation, but the checkpoint holds %s quantised; take the checkpoint that is not, or use true or gaussian."
              .formatted(base.name()));
    }
  }

  /** Takes the base of an adapted map. */
  void add(Linear base) {
    if (base instanceof QuantizedLinear quantised && (mending || expected().isPresent())) {
      maps.add(quantised);
    }
  }

  private Optional<String> expected() {
    return given.flatMap(adapter -> adapter.files().baseSha256());
  }

  /** Refuses a base that nothing was to be mended of, or another one than the files were for. */
  void requireComplete() {
    if (mending && maps.isEmpty()) {
      throw new ConfigException(
          "adapter.init_lora_weights: loftq starts from what quantisation loses, but no adapted layer is quantised; use true or gaussian, or other adapter.target_modules");
    }
    if (expected().isPresent() && hasBytes() && !expected().equals(computed())) {
      GivenAdapter adapter = given.orElseThrow();
      throw new FormatException(
          adapter.dir(),
          "the adapter started as LoftQ and makes up for the rounding of one quantised base, which this model is not; it was trained on %s: give that as the model, held with the same quantization, double quantisation and block size, or as it is if it is stored quantised"
              .formatted(adapter.files().config().baseModelNameOrPath().orElse("another base")));
    }
  }

  /** On a device of shapes there is nothing to compare. */
  private boolean hasBytes() {
    return maps.stream().allMatch(map -> map.weight().device().holdsValues());
  }

  /** The hash to be written; none if the adapter fits any base. */
  Optional<String> sha256() {
    return mending ? computed() : expected();
  }

  private Optional<String> computed() {
    if (hash.isEmpty()) {
      TreeMap<String, QuantizedWeight> weights = new TreeMap<>();
      maps.forEach(map -> weights.put(map.name() + ".weight", map.weight()));
      MessageDigest digest = digest();
      weights.forEach((name, weight) ->
          new TreeMap<>(BitsAndBytes.tensors(name, weight.stored()))
              .forEach((tensor, data) -> add(digest, tensor, data)));
      hash = Optional.of(HexFormat.of().formatHex(digest.digest()));
    }
    return hash;
  }

  private static void add(MessageDigest digest, String name, TensorData data) {
    digest.update((name + "\0").getBytes(StandardCharsets.UTF_8));
    MemorySegment bytes = data.bytes();
    for (long from = 0; from < bytes.byteSize(); from += CHUNK_BYTES) {
      long count = Math.min(CHUNK_BYTES, bytes.byteSize() - from);
      digest.update(bytes.asSlice(from, count).toArray(ValueLayout.JAVA_BYTE));
    }
  }

  private static MessageDigest digest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
