package dev.lorikeet.quant;

import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.format.BitsAndBytes;
import dev.lorikeet.format.HfCheckpoint;
import dev.lorikeet.format.StoredQuantization;
import dev.lorikeet.format.StoredQuantization.FourBit;
import dev.lorikeet.format.StoredQuantization.Int8;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.nn.BaseLinear;
import dev.lorikeet.nn.DenseLinear;
import dev.lorikeet.nn.DenseLinear.Bias;
import dev.lorikeet.nn.DenseLinear.Shape;
import dev.lorikeet.nn.Weights;
import dev.lorikeet.quant.QuantizationScheme.OtherFormats;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.torch.Device;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Weights whose linear maps are quantised, one after the other: of the full-precision model there
 * is never more than one tensor. Maps that the checkpoint stores quantised are taken as they are.
 * Embedding, norms, biases and the output head stay what the source makes them.
 */
public final class QuantizedWeights implements Weights {
  private final Weights source;
  private final Optional<HfCheckpoint> checkpoint;
  private final QuantizationScheme scheme;
  private final Device device;
  private final Rounding rounding;

  /** Weights by {@code scheme}, each rounded to its own codes. */
  public QuantizedWeights(
      Weights source, Optional<HfCheckpoint> checkpoint, QuantizationScheme scheme, Device device) {
    this(source, checkpoint, scheme, device, Rounding.toNearest());
  }

  /**
   * Weights by {@code scheme}.
   *
   * @param source where plain weights come from
   * @param checkpoint the files behind {@code source}, if there are any; may hold quantised maps
   * @param rounding how maps that the files do not hold quantised become so
   */
  public QuantizedWeights(
      Weights source,
      Optional<HfCheckpoint> checkpoint,
      QuantizationScheme scheme,
      Device device,
      Rounding rounding) {
    this.rounding = rounding;
    this.source = source;
    this.checkpoint = checkpoint;
    this.scheme = scheme;
    this.device = device;
  }

  @Override
  public Parameter parameter(String name, String impliedBy, long... shape) {
    return source.parameter(name, impliedBy, shape);
  }

  @Override
  public boolean contains(String name) {
    return source.contains(name);
  }

  @Override
  public BaseLinear linear(String name, Shape shape, Bias bias, String impliedBy) {
    String weightName = name + ".weight";
    List<Long> expected = List.of((long) shape.outFeatures(), (long) shape.inFeatures());
    Optional<StoredQuantization> stored =
        checkpoint.flatMap(files -> BitsAndBytes.read(files, weightName, expected, impliedBy));
    if (stored.isEmpty() && !scheme.quantises()) {
      return DenseLinear.load(source, name, shape, bias, impliedBy);
    }
    QuantizedWeight weight =
        stored.isPresent() ? asStored(weightName, stored.get()) : quantised(name, shape, impliedBy);
    try {
      return new QuantizedLinear(name, weight, bias(name, shape, bias, impliedBy));
    } catch (RuntimeException failure) {
      weight.close();
      throw failure;
    }
  }

  private Optional<Parameter> bias(String name, Shape shape, Bias bias, String impliedBy) {
    return bias == Bias.YES
        ? Optional.of(source.parameter(name + ".bias", impliedBy, shape.outFeatures()))
        : Optional.empty();
  }

  private QuantizedWeight asStored(String name, StoredQuantization stored) {
    Quantization format =
        switch (stored) {
          case FourBit fourBit -> FourBitWeight.format(fourBit.state());
          case Int8 _ -> Quantization.INT8;
        };
    boolean refused = scheme.stored() == OtherFormats.REFUSED;
    if (refused && scheme.quantises() && scheme.format() != format) {
      throw new ConfigException(
          "quantization %s is asked for, but the checkpoint in %s holds %s as %s, and quantising twice would lose more than either; leave quantization out, or take the checkpoint that is not quantised"
              .formatted(scheme.format().spelling(), directory(), name, format.spelling()));
    }
    return switch (stored) {
      case FourBit fourBit -> FourBitWeight.read(fourBit, device);
      case Int8 int8 -> Int8Weight.read(int8, device);
    };
  }

  private QuantizedWeight quantised(String module, Shape shape, String impliedBy) {
    String name = module + ".weight";
    try (Parameter full =
        source.parameter(name, impliedBy, shape.outFeatures(), shape.inFeatures())) {
      if (!Double.isFinite(Kernels.of(device).sumOfSquares(full.value()))) {
        throw new FormatException(
            directory(),
            name,
            "holds values that are infinite or not numbers, which have no quantised form; download the model again.");
      }
      return rounding.of(module, full.value(), scheme);
    }
  }

  private Path directory() {
    return checkpoint.map(HfCheckpoint::directory).orElse(Path.of(""));
  }
}
