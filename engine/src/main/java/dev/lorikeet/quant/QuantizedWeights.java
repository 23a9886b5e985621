package dev.lorikeet.quant;

import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.format.BitsAndBytes;
import dev.lorikeet.format.GgufType;
import dev.lorikeet.format.HfCheckpoint;
import dev.lorikeet.format.StoredQuantization;
import dev.lorikeet.format.StoredQuantization.Blocks;
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
import dev.lorikeet.torch.Tensor;
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
  private final Weights unrounded;
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
   * @param device where the maps are held
   * @param rounding how maps that the files do not hold quantised become so, in memory of the host
   */
  public QuantizedWeights(
      Weights source,
      Optional<HfCheckpoint> checkpoint,
      QuantizationScheme scheme,
      Device device,
      Rounding rounding) {
    this(source, source, checkpoint, scheme, device, rounding);
  }

  private QuantizedWeights(
      Weights source,
      Weights unrounded,
      Optional<HfCheckpoint> checkpoint,
      QuantizationScheme scheme,
      Device device,
      Rounding rounding) {
    this.rounding = rounding;
    this.source = source;
    this.unrounded = unrounded;
    this.checkpoint = checkpoint;
    this.scheme = scheme;
    this.device = device;
  }

  /**
   * The same, but what is to be quantised comes from {@code host}: from memory that the host sees,
   * where codes are made. Otherwise it comes from the source and is copied to the host.
   */
  public QuantizedWeights quantising(Weights host) {
    return new QuantizedWeights(source, host, checkpoint, scheme, device, rounding);
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
    Optional<GgufType> blocks = blocks(weightName, expected, impliedBy);
    if (stored.isEmpty() && blocks.isEmpty() && !scheme.quantises()) {
      return DenseLinear.load(source, name, shape, bias, impliedBy);
    }
    QuantizedWeight weight =
        blocks.isPresent()
            ? inBlocks(weightName, blocks.get(), shape)
            : stored.isPresent()
                ? asStored(weightName, stored.get())
                : quantised(name, shape, impliedBy);
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

  /** Blocks are kept where the host multiplies: no kernel of another device reads them. */
  private Optional<GgufType> blocks(String name, List<Long> expected, String impliedBy) {
    return device.hasOwnMemory()
        ? Optional.empty()
        : checkpoint.flatMap(files -> files.blockType(name, expected, impliedBy));
  }

  private QuantizedWeight inBlocks(String name, GgufType type, Shape shape) {
    if (scheme.quantises()) {
      throw new ConfigException(
          "quantization %s is asked for, but the GGUF file of the model holds %s in blocks of %s, and quantising twice would lose more than either; leave quantization out (with technique lora or dora, the base stays in its blocks), or take the model's F16, BF16 or F32 file"
              .formatted(scheme.format().spelling(), name, type));
    }
    return BlockWeight.read(
        checkpoint.orElseThrow(), name, type, shape.outFeatures(), shape.inFeatures(), device);
  }

  private QuantizedWeight asStored(String name, StoredQuantization stored) {
    Quantization format =
        switch (stored) {
          case FourBit fourBit -> FourBitWeight.format(fourBit.state());
          case Int8 _ -> Quantization.INT8;
          case Blocks _ -> throw new IllegalStateException(name + " is read by its kind of blocks");
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
      case Blocks _ -> throw new IllegalStateException(name + " is read by its kind of blocks");
    };
  }

  private QuantizedWeight quantised(String module, Shape shape, String impliedBy) {
    String name = module + ".weight";
    try (Parameter full =
            unrounded.parameter(name, impliedBy, shape.outFeatures(), shape.inFeatures());
        Tensor weight = full.value().on(device.host())) {
      if (!Double.isFinite(Kernels.of(weight.device()).sumOfSquares(weight))) {
        throw new FormatException(
            directory(),
            name,
            "holds values that are infinite or not numbers, which have no quantised form; download the model again.");
      }
      return rounding.of(module, weight, scheme).movedTo(device);
    }
  }

  private Path directory() {
    return checkpoint.map(HfCheckpoint::directory).orElse(Path.of(""));
  }
}
