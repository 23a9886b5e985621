package dev.lorikeet.job;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.format.StoredType;
import dev.lorikeet.nn.WeightsFile;
import dev.lorikeet.tape.Parameter;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

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

  /** The format that most numbers of {@code parameters} are held in; float32 if there are none. */
  static WeightFormat of(List<Parameter> parameters) {
    Map<WeightFormat, Long> elements = new EnumMap<>(WeightFormat.class);
    for (Parameter parameter : parameters) {
      StoredType held = WeightsFile.held(parameter);
      for (WeightFormat format : values()) {
        if (format.stored == held) {
          elements.merge(format, parameter.value().elements(), Long::sum);
        }
      }
    }
    return elements.entrySet().stream()
        .max(Map.Entry.comparingByValue())
        .map(Map.Entry::getKey)
        .orElse(FLOAT32);
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
