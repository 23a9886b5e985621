package dev.lorikeet.quant;

import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.config.RunConfig;

/**
 * How the linear maps of a model's blocks are held.
 *
 * @param format never {@code AUTO}; {@code NONE} leaves them as the checkpoint has them
 * @param scales whether the scales of a 4-bit format are quantised too
 * @param blockSize weights that share a scale in a 4-bit format, a power of two from 32 to 4096
 */
public record QuantizationScheme(Quantization format, Scales scales, int blockSize) {

  /** How the scales of a 4-bit format are held. */
  public enum Scales {
    /** float32. */
    PLAIN,
    /** One byte and a share of a float32: double quantisation. */
    QUANTISED
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
    return new QuantizationScheme(Quantization.NONE, Scales.QUANTISED, 64);
  }

  /** What a recipe says. */
  public static QuantizationScheme of(RunConfig config) {
    return new QuantizationScheme(
        config.baseQuantization(),
        config.model().doubleQuant() ? Scales.QUANTISED : Scales.PLAIN,
        config.model().quantBlockSize());
  }

  /** Whether maps are quantised on loading. */
  public boolean quantises() {
    return format != Quantization.NONE;
  }
}
