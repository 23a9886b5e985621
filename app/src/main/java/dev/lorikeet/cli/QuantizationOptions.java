package dev.lorikeet.cli;

import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.quant.QuantizationScheme;
import dev.lorikeet.quant.QuantizationScheme.OtherFormats;
import dev.lorikeet.quant.QuantizationScheme.Scales;
import java.util.Arrays;
import java.util.List;
import picocli.CommandLine.Option;

/** How the base is held: the options that correspond to the recipe's {@code model} keys. */
final class QuantizationOptions {
  private static final int DEFAULT_BLOCK = 64;

  @Option(
      names = "--quantization",
      paramLabel = "FORMAT",
      defaultValue = "none",
      description =
          "Hold the linear maps of the blocks as nf4, fp4 or int8, as the adapter was trained on"
              + " (default: ${DEFAULT-VALUE}).")
  private String format = "none";

  @Option(
      names = "--no-double-quant",
      description = "Keep the scales of a 4-bit format in float32.")
  private boolean plainScales;

  @Option(
      names = "--quant-block-size",
      paramLabel = "N",
      defaultValue = "" + DEFAULT_BLOCK,
      description = "Weights that share a scale in a 4-bit format (default: ${DEFAULT-VALUE}).")
  private int blockSize;

  /**
   * What was asked for.
   *
   * @throws ConfigException for a format or a block size that does not exist
   */
  QuantizationScheme scheme() {
    List<Quantization> known =
        Arrays.stream(Quantization.values()).filter(value -> value != Quantization.AUTO).toList();
    Quantization found =
        known.stream()
            .filter(value -> value.spelling().equals(format))
            .findFirst()
            .orElseThrow(() ->
                new ConfigException(
                    "--quantization must be one of %s, found \"%s\""
                        .formatted(
                            String.join(", ", known.stream().map(Quantization::spelling).toList()),
                            format)));
    if (Integer.bitCount(blockSize) != 1 || blockSize < 32 || blockSize > 4096) {
      throw new ConfigException(
          "--quant-block-size must be a power of two from 32 to 4096, found " + blockSize);
    }
    return new QuantizationScheme(
        found,
        plainScales ? Scales.PLAIN : Scales.QUANTISED,
        blockSize,
        found == Quantization.NONE ? OtherFormats.KEPT : OtherFormats.REFUSED);
  }

  /** The options, each behind a space, that ask for the base of a recipe. */
  static String of(RunConfig config) {
    Quantization format = config.baseQuantization();
    if (format == Quantization.NONE) {
      return "";
    }
    boolean fourBit = format != Quantization.INT8;
    int block = config.model().quantBlockSize();
    return " --quantization "
        + format.spelling()
        + (fourBit && !config.model().doubleQuant() ? " --no-double-quant" : "")
        + (fourBit && block != DEFAULT_BLOCK ? " --quant-block-size " + block : "");
  }
}
