package dev.lorikeet.quant;

import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.config.RunConfig;

/**
 * How the linear maps of a model's blocks are held.
 *
 * @param format never {@code AUTO}; {@code NONE} leaves them as the checkpoint has them
 * @param scales whether the scales of a 4-bit format are quantised too
 * @param blockSize weights that share a scale in a 4-bit format, a power of two from 32 to 4096
 * @param stored what becomes of maps that the checkpoint stores in another quantised format
 */
public record QuantizationScheme(
    Quantization format, Scales scales, int blockSize, OtherFormats stored) {

  /** How the scales of a 4-bit format are held. */
  public enum Scales {
    /** float32. */
    PLAIN,
    /** One byte and a share of a float32: double quantisation. */
    QUANTISED
  }

  /** Quantised formats of a checkpoint that are not the one asked for. */
  public enum OtherFormats {
    /** They are a mistake of the user. */
    REFUSED,
    /** They are taken as they are: no format was asked for by name. */
    KEPT
  }

  /** Checks the ranges; a recipe's settings have been checked before. */
  public QuantizationScheme {
    if (format == Quantization.AUTO
        || Integer.bitCount(blockSize) != 1
        || blockSize < 32
        || blockSize > 4096) {
      throw new IllegalStateException(format + " in blocks of " + blockSize);
    }
  }

  /** Everything as the checkpoint has it. */
  public static QuantizationScheme none() {
    return new QuantizationScheme(Quantization.NONE, Scales.QUANTISED, 64, OtherFormats.KEPT);
  }

  /** What a recipe says. */
  public static QuantizationScheme of(RunConfig config) {
    return new QuantizationScheme(
        config.baseQuantization(),
        config.model().doubleQuant() ? Scales.QUANTISED : Scales.PLAIN,
        config.model().quantBlockSize(),
        config.model().quantization() == Quantization.AUTO
            ? OtherFormats.KEPT
            : OtherFormats.REFUSED);
  }

  /** Whether maps are quantised on loading. */
  public boolean quantises() {
    return format != Quantization.NONE;
  }
}
