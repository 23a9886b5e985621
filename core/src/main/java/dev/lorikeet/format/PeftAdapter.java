package dev.lorikeet.format;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.error.RunException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A LoRA adapter in PEFT's layout: {@code adapter_config.json} and {@code
 * adapter_model.safetensors}, whose keys are {@code base_model.model.MODULE.lora_A.weight} [r, in]
 * and {@code .lora_B.weight} [out, r], and with {@code use_dora} {@code .lora_magnitude_vector}
 * [out].
 *
 * @param config contents of adapter_config.json
 * @param modules matrices by the module's name in the base model, in the order of the file; their
 *     memory is freed by the garbage collector
 */
public record PeftAdapter(PeftAdapterConfig config, Map<String, LoraPair> modules) {
  /** Name of the weights file in an adapter folder. */
  public static final String WEIGHTS_FILE_NAME = "adapter_model.safetensors";

  private static final String PREFIX = "base_model.model.";
  private static final String SUFFIX_A = ".lora_A.weight";
  private static final String SUFFIX_B = ".lora_B.weight";
  private static final String SUFFIX_MAGNITUDE = ".lora_magnitude_vector";
  private static final Pattern KEY =
      Pattern.compile(
          "base_model\\.model\\.(.+)\\.(?:lora_(A|B)\\.weight|(lora_magnitude_vector))");

  /** Copies the map and keeps its order. */
  public PeftAdapter {
    modules = Collections.unmodifiableMap(new LinkedHashMap<>(modules));
  }

  /**
   * Reads the adapter in {@code dir}; weights of any floating-point type become float32.
   *
   * @throws ConfigException if there is no such folder
   * @throws FormatException if a file is missing or damaged, a matrix lacks its partner or has a
   *     shape that contradicts the configuration, or a key is not known
   */
  public static PeftAdapter read(Path dir) {
    if (!Files.isDirectory(dir)) {
      throw new ConfigException(
          "Cannot load an adapter from "
              + dir
              + ": there is no such folder. Give the folder that"
              + " holds adapter_config.json and adapter_model.safetensors.");
    }
    PeftAdapterConfig config = PeftAdapterConfig.read(dir.resolve(PeftAdapterConfig.FILE_NAME));
    Path weights = dir.resolve(WEIGHTS_FILE_NAME);
    if (!Files.exists(weights) && Files.exists(dir.resolve("adapter_model.bin"))) {
      throw new FormatException(
          weights,
          "the file does not exist; adapter_model.bin is a pickle, which is not read. Save the"
              + " adapter with PEFT's save_pretrained(..., safe_serialization=True).");
    }
    try (SafeTensors file = SafeTensors.open(weights)) {
      return new PeftAdapter(config, readPairs(file, config));
    }
  }

  /**
   * Writes both files, each atomically; creates {@code dir} where it is missing.
   *
   * @throws RunException if a file cannot be written; an old one is then still whole
   */
  public static void write(Path dir, PeftAdapterConfig config, Map<String, LoraPair> modules) {
    Map<String, TensorData> tensors = new LinkedHashMap<>();
    modules.forEach((module, pair) -> {
      tensors.put(PREFIX + module + SUFFIX_A, data(pair.a()));
      tensors.put(PREFIX + module + SUFFIX_B, data(pair.b()));
      pair.magnitude()
          .ifPresent(values -> tensors.put(PREFIX + module + SUFFIX_MAGNITUDE, data(values)));
    });
    try {
      Files.createDirectories(dir);
    } catch (IOException failure) {
      throw new RunException(
          "Could not create the adapter folder "
              + dir
              + ": "
              + JsonFile.reason(failure)
              + ". Choose a folder that can be written.",
          failure);
    }
    SafeTensorsWriter.write(dir.resolve(WEIGHTS_FILE_NAME), tensors, Map.of("format", "pt"));
    AtomicFile.writeString(dir.resolve(PeftAdapterConfig.FILE_NAME), config.toJson());
  }

  private static Map<String, LoraPair> readPairs(SafeTensors file, PeftAdapterConfig config) {
    Map<String, LoraPair> pairs = new LinkedHashMap<>();
    for (TensorEntry entry : file.entries().values()) {
      Matcher key = KEY.matcher(entry.name());
      if (!key.matches() || (key.group(3) != null && !config.useDora())) {
        throw new FormatException(
            file.file(),
            entry.name(),
            "is not a key of a plain LoRA adapter; expected base_model.model.MODULE.lora_A.weight"
                + " or .lora_B.weight, and .lora_magnitude_vector with use_dora. Save the adapter"
                + " without trained embeddings or other extra weights.");
      }
      String module = PREFIX + key.group(1);
      if (key.group(3) != null) {
        partner(file, entry.name(), module + SUFFIX_A);
        continue;
      }
      boolean isA = key.group(2).equals("A");
      TensorEntry partner = partner(file, entry.name(), module + (isA ? SUFFIX_B : SUFFIX_A));
      checkShape(file, entry, isA ? 0 : 1, config.r());
      if (isA) {
        checkShape(file, partner, 1, config.r());
        Optional<FloatTensor> magnitude =
            config.useDora() ? Optional.of(magnitude(file, entry, partner)) : Optional.empty();
        pairs.put(
            key.group(1), new LoraPair(floats(file, entry), floats(file, partner), magnitude));
      }
    }
    if (pairs.isEmpty()) {
      throw new FormatException(
          file.file(), "the file holds no LoRA matrices. Save the adapter again.");
    }
    return pairs;
  }

  private static FloatTensor magnitude(SafeTensors file, TensorEntry a, TensorEntry b) {
    TensorEntry magnitude = partner(file, a.name(), a.name().replace(SUFFIX_A, SUFFIX_MAGNITUDE));
    List<Long> expected = List.of(b.shape().getFirst());
    if (!magnitude.shape().equals(expected)) {
      throw new FormatException(
          file.file(),
          magnitude.name(),
          "shape %s, but %s implies %s. Download or save the adapter again."
              .formatted(magnitude.shape(), b.name(), expected));
    }
    return floats(file, magnitude);
  }

  private static TensorEntry partner(SafeTensors file, String name, String partner) {
    return Optional.ofNullable(file.entries().get(partner))
        .orElseThrow(() ->
            new FormatException(
                file.file(),
                name,
                "comes without its partner " + partner + ". Download or save the adapter again."));
  }

  private static void checkShape(SafeTensors file, TensorEntry entry, int rankAxis, int rank) {
    List<Long> shape = entry.shape();
    if (shape.size() != 2 || shape.get(rankAxis) != rank) {
      String expected = rankAxis == 0 ? "[" + rank + ", in]" : "[out, " + rank + "]";
      throw new FormatException(
          file.file(),
          entry.name(),
          ("shape %s, but adapter_config.json implies %s (r %d). Weights and config"
                  + " come from different adapters; download or save both again.")
              .formatted(shape, expected, rank));
    }
  }

  private static FloatTensor floats(SafeTensors file, TensorEntry entry) {
    MemorySegment floats =
        Arena.ofAuto().allocate(Math.max(1, entry.elements() * StoredType.F32.bytes()), 64);
    MemorySegment exact = floats.asSlice(0, entry.elements() * StoredType.F32.bytes());
    file.readFloats(entry.name(), exact);
    return new FloatTensor(entry.shape(), exact);
  }

  private static TensorData data(FloatTensor tensor) {
    return new TensorData(StoredType.F32, tensor.shape(), tensor.floats());
  }
}
