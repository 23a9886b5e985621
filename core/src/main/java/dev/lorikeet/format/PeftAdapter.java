package dev.lorikeet.format;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.error.RunException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * A LoRA adapter in PEFT's layout: {@code adapter_config.json} and {@code
 * adapter_model.safetensors}. The keys of the latter, behind {@code base_model.model.}:
 *
 * <ul>
 *   <li>{@code MODULE.lora_A.weight} [r, in] and {@code MODULE.lora_B.weight} [out, r];
 *   <li>{@code MODULE.lora_magnitude_vector} [out] with {@code use_dora};
 *   <li>{@code MODULE.lora_embedding_A} [r, V] and {@code MODULE.lora_embedding_B} [H, r] of an
 *       embedding;
 *   <li>the parameter's own name for what belongs to {@code modules_to_save};
 *   <li>{@code MODULE.base_layer.weight}: PEFT's copy of the base weight of an adapted embedding or
 *       head, which is read to be compared and never written.
 * </ul>
 *
 * @param config contents of adapter_config.json
 * @param modules matrices by the module's name in the base model, in the order of the file; their
 *     memory is freed by the garbage collector
 * @param embeddings the same of embeddings, with in = V and out = H
 * @param saved parameters that replace those of the base model, by their names there
 * @param baseWeights weights of the base model, by their names there
 * @param baseSha256 hash of the only base weights that the adapter fits, where its start depended
 *     on them; Lorikeet's own entry {@value #BASE_SHA256} in the file's metadata
 */
public record PeftAdapter(
    PeftAdapterConfig config,
    Map<String, LoraPair> modules,
    Map<String, LoraPair> embeddings,
    Map<String, FloatTensor> saved,
    Map<String, FloatTensor> baseWeights,
    Optional<String> baseSha256) {
  /** Name of the weights file in an adapter folder. */
  public static final String WEIGHTS_FILE_NAME = "adapter_model.safetensors";

  /** Key of {@link #baseSha256} in the metadata of the weights file. */
  public static final String BASE_SHA256 = "lorikeet_base_sha256";

  /** Copies the maps and keeps their order. */
  public PeftAdapter {
    modules = ordered(modules);
    embeddings = ordered(embeddings);
    saved = ordered(saved);
    baseWeights = ordered(baseWeights);
  }

  /** An adapter of linear layers alone. */
  public PeftAdapter(PeftAdapterConfig config, Map<String, LoraPair> modules) {
    this(config, modules, Map.of(), Map.of(), Map.of());
  }

  /** An adapter that fits any base of its shapes. */
  public PeftAdapter(
      PeftAdapterConfig config,
      Map<String, LoraPair> modules,
      Map<String, LoraPair> embeddings,
      Map<String, FloatTensor> saved,
      Map<String, FloatTensor> baseWeights) {
    this(config, modules, embeddings, saved, baseWeights, Optional.empty());
  }

  private static <T> Map<String, T> ordered(Map<String, T> map) {
    return Collections.unmodifiableMap(new LinkedHashMap<>(map));
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
      return new PeftWeightsFile(file, config).read();
    }
  }

  /**
   * Writes both files of an adapter of linear layers alone.
   *
   * @throws RunException if a file cannot be written; an old one is then still whole
   */
  public static void write(Path dir, PeftAdapterConfig config, Map<String, LoraPair> modules) {
    new PeftAdapter(config, modules).write(dir);
  }

  /**
   * Writes both files, each atomically; creates {@code dir} where it is missing.
   *
   * @throws RunException if a file cannot be written; an old one is then still whole
   */
  public void write(Path dir) {
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
    Map<String, String> metadata = new LinkedHashMap<>(Map.of("format", "pt"));
    baseSha256.ifPresent(hash -> metadata.put(BASE_SHA256, hash));
    SafeTensorsWriter.write(
        dir.resolve(WEIGHTS_FILE_NAME), PeftWeightsFile.tensors(this), metadata);
    AtomicFile.writeString(dir.resolve(PeftAdapterConfig.FILE_NAME), config.toJson());
  }
}
