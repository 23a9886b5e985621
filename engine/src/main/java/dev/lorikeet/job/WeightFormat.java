package dev.lorikeet.job;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.format.StoredType;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Number format of a checkpoint that is written, under transformers' names. */
public enum WeightFormat {
  FLOAT32(StoredType.F32),
  BFLOAT16(StoredType.BF16),
  FLOAT16(StoredType.F16);

  private final StoredType stored;

  WeightFormat(StoredType stored) {
    this.stored = stored;
  }

  /** The format called {@code name}, as in {@code bfloat16}. */
  public static WeightFormat parse(String name) {
    return Arrays.stream(values())
        .filter(format -> format.spelling().equals(name))
        .findFirst()
        .orElseThrow(() -> {
          List<String> names = Arrays.stream(values()).map(WeightFormat::spelling).toList();
          return new ConfigException(
              "--dtype must be one of %s, found %s".formatted(String.join(", ", names), name));
        });
  }

  /** The name as it is written in config.json. */
  public String spelling() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The name as safetensors has it. */
  StoredType stored() {
    return stored;
  }
}
