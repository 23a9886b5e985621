package dev.lorikeet.format;

import dev.lorikeet.error.FormatException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The tensors of {@link PeftAdapter} under PEFT's keys. */
final class PeftWeightsFile {
  private static final String PREFIX = "base_model.model.";
  private static final String BASE_LAYER = ".base_layer.";
  private static final Pattern KEY =
      Pattern.compile("base_model\\.model\\.(.+)\\.lora_(?:([AB])\\.weight|embedding_([AB]))");
  private static final String MAGNITUDE = ".lora_magnitude_vector";

  private final SafeTensors file;
  private final PeftAdapterConfig config;
  private final Map<String, LoraPair> modules = new LinkedHashMap<>();
  private final Map<String, LoraPair> embeddings = new LinkedHashMap<>();
  private final Map<String, FloatTensor> saved = new LinkedHashMap<>();
  private final Map<String, FloatTensor> baseWeights = new LinkedHashMap<>();

  PeftWeightsFile(SafeTensors file, PeftAdapterConfig config) {
    this.file = file;
    this.config = config;
  }

  /** All tensors of {@code adapter}; the base model's own stay where they are. */
  static Map<String, TensorData> tensors(PeftAdapter adapter) {
    Map<String, TensorData> tensors = new LinkedHashMap<>();
    adapter
        .embeddings()
        .forEach((module, pair) -> {
          tensors.put(embeddingKey(module, "A"), data(pair.a()));
          tensors.put(embeddingKey(module, "B"), data(pair.b()));
        });
    adapter
        .modules()
        .forEach((module, pair) -> {
          tensors.put(linearKey(module, "A"), data(pair.a()));
          tensors.put(linearKey(module, "B"), data(pair.b()));
          pair.magnitude().ifPresent(m -> tensors.put(PREFIX + module + MAGNITUDE, data(m)));
        });
    adapter.saved().forEach((name, tensor) -> tensors.put(PREFIX + name, data(tensor)));
    return tensors;
  }

  private static String linearKey(String module, String matrix) {
    return PREFIX + module + ".lora_" + matrix + ".weight";
  }

  private static String embeddingKey(String module, String matrix) {
    return PREFIX + module + ".lora_embedding_" + matrix;
  }

  PeftAdapter read() {
    for (TensorEntry entry : file.entries().values()) {
      Matcher key = KEY.matcher(entry.name());
      if (config.useDora() && entry.name().endsWith(MAGNITUDE)) {
        refuseOnEmbedding(entry);
        partner(entry, entry.name().replace(MAGNITUDE, ".lora_A.weight"));
      } else if (key.matches()) {
        readMatrix(entry, key.group(1), key.group(2), key.group(3));
      } else {
        readWhole(entry);
      }
    }
    if (modules.isEmpty() && embeddings.isEmpty()) {
      throw new FormatException(
          file.file(), "the file holds no LoRA matrices. Save the adapter again.");
    }
    return new PeftAdapter(
        config,
        modules,
        embeddings,
        saved,
        baseWeights,
        Optional.ofNullable(file.metadata().get(PeftAdapter.BASE_SHA256)));
  }

  private void readMatrix(TensorEntry entry, String module, String linear, String embedding) {
    boolean isEmbedding = embedding != null;
    boolean isA = "A".equals(isEmbedding ? embedding : linear);
    String other = isA ? "B" : "A";
    TensorEntry partner =
        partner(entry, isEmbedding ? embeddingKey(module, other) : linearKey(module, other));
    int rank = config.rankOf(module);
    checkShape(entry, isA ? 0 : 1, rank);
    if (isA) {
      checkShape(partner, 1, rank);
      Optional<FloatTensor> magnitude =
          config.useDora() && !isEmbedding
              ? Optional.of(magnitude(entry, module, partner))
              : Optional.empty();
      (isEmbedding ? embeddings : modules)
          .put(module, new LoraPair(floats(entry), floats(partner), magnitude));
    }
  }

  private void refuseOnEmbedding(TensorEntry magnitude) {
    String embedding = magnitude.name().replace(MAGNITUDE, ".lora_embedding_A");
    if (file.entries().containsKey(embedding)) {
      throw new FormatException(
          file.file(),
          magnitude.name(),
          "is DoRA on an embedding, which is not supported; DoRA is for linear layers, lm_head"
              + " included. Train the adapter again without the embedding in target_modules.");
    }
  }

  private FloatTensor magnitude(TensorEntry a, String module, TensorEntry b) {
    TensorEntry magnitude = partner(a, PREFIX + module + MAGNITUDE);
    List<Long> expected = List.of(b.shape().getFirst());
    if (!magnitude.shape().equals(expected)) {
      throw new FormatException(
          file.file(),
          magnitude.name(),
          "shape %s, but %s implies %s. Download or save the adapter again."
              .formatted(magnitude.shape(), b.name(), expected));
    }
    return floats(magnitude);
  }

  /** A tensor that is a parameter of the model: trained as a whole, or a copy of the base's. */
  private void readWhole(TensorEntry entry) {
    String name = entry.name();
    int baseLayer = name.indexOf(BASE_LAYER);
    if (name.startsWith(PREFIX) && baseLayer > 0 && isAdapted(name.substring(0, baseLayer))) {
      String parameter = name.substring(PREFIX.length()).replace(BASE_LAYER, ".");
      baseWeights.put(parameter, floats(entry));
    } else if (name.startsWith(PREFIX)
        && PeftNames.saves(config.modulesToSave(), name.substring(PREFIX.length()))) {
      saved.put(name.substring(PREFIX.length()), floats(entry));
    } else {
      throw new FormatException(
          file.file(),
          name,
          "is not a key of a plain LoRA adapter; expected base_model.model.MODULE.lora_A.weight,"
              + " .lora_B.weight, .lora_embedding_A, .lora_embedding_B, with use_dora"
              + " .lora_magnitude_vector, or a parameter of modules_to_save. Save the adapter without"
              + " other extra weights.");
    }
  }

  private boolean isAdapted(String prefixedModule) {
    return file.entries().containsKey(prefixedModule + ".lora_A.weight")
        || file.entries().containsKey(prefixedModule + ".lora_embedding_A");
  }

  private TensorEntry partner(TensorEntry entry, String partner) {
    return Optional.ofNullable(file.entries().get(partner))
        .orElseThrow(() ->
            new FormatException(
                file.file(),
                entry.name(),
                "comes without its partner " + partner + ". Download or save the adapter again."));
  }

  private void checkShape(TensorEntry entry, int rankAxis, int rank) {
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

  private FloatTensor floats(TensorEntry entry) {
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
