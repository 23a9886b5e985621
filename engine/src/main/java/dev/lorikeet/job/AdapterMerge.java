package dev.lorikeet.job;

import dev.lorikeet.adapter.LoraAdapter;
import dev.lorikeet.adapter.Merge;
import dev.lorikeet.config.ModelSettings.Dtype;
import dev.lorikeet.error.RunException;
import dev.lorikeet.format.BitsAndBytes;
import dev.lorikeet.format.Floats;
import dev.lorikeet.format.HfCheckpoint;
import dev.lorikeet.model.Architecture;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nn.BaseLinear;
import dev.lorikeet.nn.CheckpointWeights;
import dev.lorikeet.nn.DenseLinear;
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
 * @param embeddings embeddings that were merged
 * @param format number format of the new weights
 * @param rounding the largest change by rounding to that format; none in float32
 * @param drift how far the new weights are from others
 */
public record AdapterMerge(
    Path directory,
    int modules,
    int embeddings,
    WeightFormat format,
    Optional<Rounding> rounding,
    Drift drift) {
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
   * How far merged weights are from what they might have been.
   *
   * @param quantisation from the adapter merged into the checkpoint's own weights, over all maps
   *     that were held in few bits: the errors of the base that the adapter was trained on. None if
   *     nothing was quantised on loading
   * @param rounding from the merged weights in float32, over all weights; none in float32
   */
  public record Drift(Optional<WeightDrift> quantisation, Optional<WeightDrift> rounding) {}

  /**
   * Merges and writes. Besides the merged weights themselves, one tensor of others is held at a
   * time.
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
      try (Merge merge =
          new Merge(adapted.parameters(), adapted.quantisedMaps(), adapted.head(), worn)) {
        Narrowing narrowing = new Narrowing(format);
        if (format != WeightFormat.FLOAT32) {
          merge.parameters().forEach(narrowing::add);
        }
        Drift drift = new Drift(quantisation(merge, loaded, device), narrowing.sum.found());
        CheckpointWriter.write(out, loaded.directory(), merge.parameters(), format);
        return new AdapterMerge(
            out, worn.modules().size(), worn.embeddings().size(), format, narrowing.largest, drift);
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

  private static Optional<WeightDrift> quantisation(
      Merge merge, LoadedModel loaded, Device device) {
    WeightDrift.Sum sum = new WeightDrift.Sum();
    try (HfCheckpoint files = HfCheckpoint.open(loaded.directory())) {
      HfCheckpoint checkpoint = files.seenBy(Architecture.of(files.config()));
      CheckpointWeights own = new CheckpointWeights(checkpoint, device, Training.FROZEN);
      for (BaseLinear map : loaded.model().quantisedMaps()) {
        String name = map.name() + ".weight";
        if (BitsAndBytes.isQuantised(checkpoint, name)) {
          continue;
        }
        Parameter weight =
            own.parameter(name, "the loaded model", map.outFeatures(), map.inFeatures());
        try (DenseLinear whole = new DenseLinear(map.name(), weight, Optional.empty())) {
          merge.compare(
              whole, (expected, merged) -> sum.add(name, expected.segment(), merged.segment()));
        }
      }
    }
    return sum.found();
  }

  /** What becomes of numbers in a narrower format. */
  private static final class Narrowing {
    private final WeightFormat format;
    private final WeightDrift.Sum sum = new WeightDrift.Sum();
    private Optional<Rounding> largest = Optional.empty();

    Narrowing(WeightFormat format) {
      this.format = format;
    }

    void add(Parameter parameter) {
      MemorySegment floats = parameter.value().segment();
      MemorySegment stored = MemorySegment.ofArray(new byte[CHUNK * format.stored().bytes()]);
      MemorySegment back = MemorySegment.ofArray(new float[CHUNK]);
      for (long from = 0; from < parameter.value().elements(); from += CHUNK) {
        long count = Math.min(CHUNK, parameter.value().elements() - from);
        MemorySegment chunk = floats.asSlice(4 * from, 4 * count);
        MemorySegment narrow = stored.asSlice(0, count * format.stored().bytes());
        MemorySegment written = back.asSlice(0, 4 * count);
        Floats.encode(format.stored(), chunk, narrow);
        Floats.decode(format.stored(), narrow, written);
        findLargest(parameter, chunk, written);
        sum.add(parameter.name(), chunk, written);
      }
    }

    private void findLargest(Parameter parameter, MemorySegment before, MemorySegment after) {
      for (long i = 0; i < before.byteSize() / Float.BYTES; i++) {
        float merged = before.getAtIndex(ValueLayout.JAVA_FLOAT, i);
        float written = after.getAtIndex(ValueLayout.JAVA_FLOAT, i);
        if (Float.isInfinite(written) && Float.isFinite(merged)) {
          throw tooLarge(parameter, merged, format);
        }
        if (largest.isEmpty() || Math.abs((double) merged - written) > largest.get().size()) {
          largest = Optional.of(new Rounding(parameter.name(), merged, written));
        }
      }
    }
  }

  private static RunException tooLarge(Parameter parameter, float merged, WeightFormat format) {
    return new RunException(
        "%s holds %s, which is more than %s can hold; nothing was written. Choose --dtype bfloat16 or float32."
            .formatted(parameter.name(), merged, format.spelling()));
  }
}
