package dev.lorikeet.adapter;

import dev.lorikeet.format.FloatTensor;
import dev.lorikeet.format.LoraPair;
import dev.lorikeet.format.PeftAdapter;
import dev.lorikeet.format.PeftAdapterConfig;
import dev.lorikeet.format.PeftNames;
import dev.lorikeet.format.StoredLayout;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/**
 * An adapter as PEFT's files hold it. What started as {@link Pissa} is written at twice its rank.
 */
final class LoraFiles {
  private final LoraAdapter adapter;
  private final LoraSettings settings;
  private final StoredLayout layout;
  private final boolean doubled;

  private LoraFiles(LoraAdapter adapter, StoredLayout layout) {
    this.adapter = adapter;
    this.layout = layout;
    settings = adapter.settings();
    doubled = settings.start().splitsBase() && !adapter.restored();
  }

  /**
   * The files of an adapter.
   *
   * @param baseModel name or path of what it belongs to
   * @param layout of the base's files
   */
  static PeftAdapter of(LoraAdapter adapter, String baseModel, StoredLayout layout) {
    return new LoraFiles(adapter, layout).files(baseModel);
  }

  private PeftAdapter files(String baseModel) {
    Map<String, LoraPair> modules = new LinkedHashMap<>();
    for (Lora module : adapter.modules()) {
      modules.put(module.name(), pair(module));
    }
    Map<String, LoraPair> embeddings = new LinkedHashMap<>();
    for (LoraEmbedding embedding : adapter.embeddings()) {
      embeddings.put(embedding.name(), pair(embedding));
    }
    Map<String, FloatTensor> saved = new LinkedHashMap<>();
    for (Parameter parameter : adapter.savedParameters()) {
      saved.put(parameter.name(), stored(parameter.value()));
    }
    return new PeftAdapter(
        config(baseModel), modules, embeddings, saved, Map.of(), adapter.baseSha256());
  }

  private PeftAdapterConfig config(String baseModel) {
    List<String> adapted = adapter.adapted();
    Targets targets = settings.targets().written(adapted, adapter.seen());
    int ranks = doubled ? 2 : 1;
    double alphas = !doubled ? 1 : settings.rankStabilised() ? Math.sqrt(2) : 2;
    PeftAdapterConfig plain =
        PeftAdapterConfig.lora(
            settings.r() * ranks,
            settings.alpha() * alphas,
            settings.dropout(),
            targets.modules(),
            baseModel);
    return new PeftAdapterConfig(
        plain.peftType(),
        plain.r(),
        plain.loraAlpha(),
        plain.loraDropout(),
        plain.targetModules(),
        targets.exclude(),
        plain.bias(),
        settings.rankStabilised(),
        settings.useDora(),
        settings.modulesToSave(),
        pattern(settings.rankPattern(), rank -> rank * ranks),
        pattern(settings.alphaPattern(), alpha -> alpha * alphas),
        targets.layers(),
        targets.layersPattern(),
        adapter.modules().stream()
            .anyMatch(module -> layout.storedInputFirst(module.name() + ".weight")),
        settings.start().equals(LoraStart.GAUSSIAN) ? "gaussian" : plain.initLoraWeights(),
        plain.baseModelNameOrPath(),
        Optional.empty(),
        plain.taskType(),
        plain.inferenceMode(),
        plain.peftVersion());
  }

  /**
   * The pattern in the order that PEFT's files have, by name. Where that order would mean another
   * value for some module, every module is named in full.
   */
  private <T> Map<String, T> pattern(Map<String, T> pattern, UnaryOperator<T> value) {
    Map<String, T> sorted = new TreeMap<>(pattern);
    boolean same =
        adapter.adapted().stream()
            .allMatch(
                name -> PeftNames.pattern(sorted, name).equals(PeftNames.pattern(pattern, name)));
    Map<String, T> named = new TreeMap<>();
    for (String name : adapter.adapted()) {
      PeftNames.pattern(pattern, name).ifPresent(v -> named.put(name.replace(".", "\\."), v));
    }
    Map<String, T> written = same ? sorted : named;
    written.replaceAll((_, v) -> value.apply(v));
    return written;
  }

  private LoraPair pair(Lora module) {
    Tensor a = module.a().value();
    Tensor b = module.b().value();
    LowRank start = adapter.starts().get(module.name());
    if (start == null) {
      Optional<FloatTensor> magnitude =
          adapter.dora(module.name()).map(dora -> stored(dora.magnitude().value()));
      return new LoraPair(stored(a), stored(b), magnitude);
    }
    float[] minusStart = start.b().toFloats();
    for (int i = 0; i < minusStart.length; i++) {
      minusStart[i] = -minusStart[i];
    }
    return new LoraPair(
        rows(a.toFloats(), start.a().toFloats(), a.size(1)),
        columns(b.toFloats(), minusStart, b.size(0)));
  }

  /** A is held transposed; beside modules of doubled rank it is filled up with zeros. */
  private LoraPair pair(LoraEmbedding embedding) {
    int rows = (int) embedding.a().value().size(0);
    int rank = (int) embedding.a().value().size(1);
    float[] held = embedding.a().value().toFloats();
    float[] a = new float[held.length];
    for (int row = 0; row < rows; row++) {
      for (int i = 0; i < rank; i++) {
        a[i * rows + row] = held[row * rank + i];
      }
    }
    Tensor b = embedding.b().value();
    if (!doubled) {
      return new LoraPair(FloatTensor.of(List.of((long) rank, (long) rows), a), stored(b));
    }
    float[] none = new float[Math.toIntExact(b.elements())];
    return new LoraPair(rows(a, new float[a.length], rows), columns(b.toFloats(), none, b.size(0)));
  }

  /** Two matrices of one width, one below the other. */
  private static FloatTensor rows(float[] upper, float[] lower, long width) {
    float[] both = Arrays.copyOf(upper, upper.length + lower.length);
    System.arraycopy(lower, 0, both, upper.length, lower.length);
    return FloatTensor.of(List.of(both.length / width, width), both);
  }

  /** Two matrices of one height, side by side. */
  private static FloatTensor columns(float[] left, float[] right, long height) {
    float[] both = new float[left.length + right.length];
    int width = left.length / (int) height;
    for (int row = 0; row < height; row++) {
      System.arraycopy(left, row * width, both, 2 * row * width, width);
      System.arraycopy(right, row * width, both, (2 * row + 1) * width, width);
    }
    return FloatTensor.of(List.of(height, 2L * width), both);
  }

  private static FloatTensor stored(Tensor tensor) {
    List<Long> shape = Arrays.stream(tensor.shape()).boxed().toList();
    return new FloatTensor(shape, MemorySegment.ofArray(tensor.toFloats()));
  }
}
