package dev.lorikeet.job;

import dev.lorikeet.adapter.LoraAdapter;
import dev.lorikeet.adapter.Merge;
import dev.lorikeet.config.ModelSettings.Dtype;
import dev.lorikeet.error.RunException;
import dev.lorikeet.format.Floats;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.quant.QuantizationScheme;
import dev.lorikeet.run.RunDirectory;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A model with an adapter becomes one checkpoint in Hugging Face layout, which needs no adapter any
 * more. Logits of the merged model in float32 differ from those of model and adapter by the
 * rounding of float32 sums alone, 1e-5 of the largest.
 *
 * @param directory the new checkpoint's folder
 * @param modules linear maps that were merged
 * @param format number format of the new weights
 * @param rounding the largest change by rounding to that format; none in float32
 */
public record AdapterMerge(
    Path directory, int modules, WeightFormat format, Optional<Rounding> rounding) {
  /** Numbers that are rounded at once. */
  private static final int CHUNK = 1 << 14;

  /**
   * A change of one number.
   *
   * @param weight the tensor's name
   * @param merged the number in float32
   * @param written the number in the file
   */
  public record Rounding(String weight, float merged, float written) {
    /** Distance of the two. */
    public double size() {
      return Math.abs((double) merged - written);
    }
  }

  /**
   * Merges and writes.
   *
   * @param model folder of a Hugging Face checkpoint, or {@code nano}
   * @param adapter folder of a PEFT adapter
   * @param out folder that is absent or empty
   * @param base how the linear maps of the blocks are held: as the adapter was trained on. It is
   *     merged into what their codes stand for
   * @throws dev.lorikeet.error.LorikeetException if a folder cannot be used, the adapter belongs to
   *     another model, or a number is too large for {@code format}
   */
  public static AdapterMerge write(
      String model,
      Path adapter,
      Path out,
      WeightFormat format,
      QuantizationScheme base,
      Device device) {
    RunDirectory.requireFree(out);
    try (LoadedModel loaded = opened(model, adapter, base, device)) {
      LoraAdapter worn = loaded.adapter().orElseThrow();
      CausalLm adapted = loaded.model();
      try (Merge merge = new Merge(adapted.parameters(), adapted.quantisedMaps(), worn)) {
        Optional<Rounding> rounding =
            format == WeightFormat.FLOAT32 ? Optional.empty() : largest(merge, format);
        CheckpointWriter.write(out, loaded.directory(), merge.parameters(), format);
        return new AdapterMerge(out, worn.modules().size(), format, rounding);
      }
    }
  }

  /** The adapted model with its plain weights in float32, so that merging rounds once. */
  private static LoadedModel opened(
      String model, Path adapter, QuantizationScheme base, Device device) {
    return LoadedModel.load(
        LoadedModel.directoryOf(model),
        Training.FROZEN,
        Optional.of(LoraAdapter.read(adapter, device)),
        new LoadedModel.BaseFormat(Dtype.FLOAT32, base),
        Optional.empty(),
        device);
  }

  private static Optional<Rounding> largest(Merge merge, WeightFormat format) {
    Optional<Rounding> largest = Optional.empty();
    for (Parameter parameter : merge.parameters()) {
      Rounding found = largest(parameter, format);
      if (largest.isEmpty() || found.size() > largest.get().size()) {
        largest = Optional.of(found);
      }
    }
    return largest;
  }

  private static Rounding largest(Parameter parameter, WeightFormat format) {
    MemorySegment floats = parameter.value().segment();
    MemorySegment stored = MemorySegment.ofArray(new byte[CHUNK * format.stored().bytes()]);
    MemorySegment back = MemorySegment.ofArray(new float[CHUNK]);
    Rounding largest = new Rounding(parameter.name(), 0, 0);
    for (long from = 0; from < parameter.value().elements(); from += CHUNK) {
      long count = Math.min(CHUNK, parameter.value().elements() - from);
      MemorySegment chunk = floats.asSlice(4 * from, 4 * count);
      MemorySegment narrow = stored.asSlice(0, count * format.stored().bytes());
      Floats.encode(format.stored(), chunk, narrow);
      Floats.decode(format.stored(), narrow, back.asSlice(0, 4 * count));
      for (long i = 0; i < count; i++) {
        float merged = chunk.getAtIndex(ValueLayout.JAVA_FLOAT, i);
        float written = back.getAtIndex(ValueLayout.JAVA_FLOAT, i);
        if (Float.isInfinite(written) && Float.isFinite(merged)) {
          throw tooLarge(parameter, merged, format);
        }
        if (Math.abs((double) merged - written) > largest.size()) {
          largest = new Rounding(parameter.name(), merged, written);
        }
      }
    }
    return largest;
  }

  private static RunException tooLarge(Parameter parameter, float merged, WeightFormat format) {
    return new RunException(
        "%s holds %s, which is more than %s can hold; nothing was written. Choose --dtype bfloat16 or float32."
            .formatted(parameter.name(), merged, format.spelling()));
  }
}
