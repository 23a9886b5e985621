package dev.lorikeet.adapter;

import dev.lorikeet.error.FormatException;
import dev.lorikeet.format.FloatTensor;
import dev.lorikeet.format.LoraPair;
import dev.lorikeet.format.PeftAdapter;
import dev.lorikeet.nn.Embedding;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * An adapter's files on their way into a model.
 *
 * @param dir their folder
 * @param files what they hold
 */
record GivenAdapter(Path dir, PeftAdapter files) {

  /** The adapter of {@code base}, if its matrices have its shape. */
  Lora restored(Linear base, LoraSettings settings, Device device) {
    LoraPair pair = pairOf(base.name(), files.modules());
    LoraSettings own = fitting(base.name(), settings, pair, base.inFeatures(), base.outFeatures());
    Tensor a = upload(pair.a(), device);
    try {
      return new Lora(base, own, a, upload(pair.b(), device));
    } catch (RuntimeException failure) {
      a.close();
      throw failure;
    }
  }

  /** The magnitudes of {@code lora}, whose matrices are given, if they have its shape. */
  Dora restored(Lora lora, Device device) {
    FloatTensor magnitude = pairOf(lora.name(), files.modules()).magnitude().orElseThrow();
    List<Long> expected = List.of((long) lora.outFeatures());
    if (!magnitude.shape().equals(expected)) {
      throw new FormatException(
          dir,
          lora.name(),
          "lora_magnitude_vector %s, but this model's module needs %s: the adapter belongs to another base model"
              .formatted(magnitude.shape(), expected));
    }
    return new Dora(lora, upload(magnitude, device));
  }

  /** The adapter of an embedding, if its matrices have its shape. */
  LoraEmbedding restored(Embedding base, LoraSettings settings, Device device) {
    LoraPair pair = pairOf(base.name(), files.embeddings());
    LoraSettings own = fitting(base.name(), settings, pair, base.rows(), base.columns());
    float[] values = pair.a().toArray();
    float[] transposed = new float[values.length];
    for (int row = 0; row < base.rows(); row++) {
      for (int i = 0; i < own.r(); i++) {
        transposed[row * own.r() + i] = values[i * base.rows() + row];
      }
    }
    Tensor a = device.floats(base.rows(), own.r()).copyFrom(transposed);
    try {
      return new LoraEmbedding(base, own, a, upload(pair.b(), device));
    } catch (RuntimeException failure) {
      a.close();
      throw failure;
    }
  }

  /** The settings of a module whose matrices are given, if these have its shape. */
  private LoraSettings fitting(String name, LoraSettings settings, LoraPair pair, int in, int out) {
    LoraSettings own = settings.forModule(name);
    if (pair.rank() != own.r()) {
      throw new FormatException(
          dir,
          name,
          "the adapter to start from has rank %d here, but the recipe says %d (adapter.r, adapter.rank_pattern); make them equal"
              .formatted(pair.rank(), own.r()));
    }
    List<Long> aShape = List.of((long) own.r(), (long) in);
    List<Long> bShape = List.of((long) out, (long) own.r());
    if (!pair.a().shape().equals(aShape) || !pair.b().shape().equals(bShape)) {
      throw new FormatException(
          dir,
          name,
          "lora_A %s and lora_B %s, but this model's module needs %s and %s: the adapter belongs to another base model"
              .formatted(pair.a().shape(), pair.b().shape(), aShape, bShape));
    }
    return own;
  }

  private static LoraPair pairOf(String name, Map<String, LoraPair> pairs) {
    LoraPair pair = pairs.get(name);
    if (pair == null) {
      throw new IllegalStateException("no adapter for " + name);
    }
    return pair;
  }

  private static Tensor upload(FloatTensor values, Device device) {
    long[] shape = values.shape().stream().mapToLong(Long::longValue).toArray();
    Tensor tensor = device.floats(shape);
    return device.holdsValues() ? tensor.copyFrom(values.toArray()) : tensor;
  }

  /** Refuses modules of the files that are not among {@code adapted}. */
  void requireAllTaken(List<String> adapted) {
    TreeSet<String> missing = new TreeSet<>(files.modules().keySet());
    missing.addAll(files.embeddings().keySet());
    int all = missing.size();
    adapted.forEach(missing::remove);
    if (!missing.isEmpty()) {
      throw new FormatException(
          dir,
          missing.first(),
          "the model has no linear module of this name (%d of the adapter's %d modules are missing): the adapter belongs to another base model"
              .formatted(missing.size(), all));
    }
  }
}
