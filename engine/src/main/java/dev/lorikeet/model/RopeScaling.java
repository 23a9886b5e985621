package dev.lorikeet.model;

import dev.lorikeet.format.JsonConfig;

/**
 * Frequencies of rotary positions: base frequencies θ^(−2i/D), and how a longer context changes
 * them. Computed in float32 in the reference's order of operations.
 *
 * <p>{@code linear} divides all by the factor (Chen et al. 2023). {@code llama3} leaves wavelengths
 * below original / highFreqFactor, divides those above original / lowFreqFactor by the factor, and
 * mixes in between (Llama 3.1's published code).
 *
 * @param type {@code default}, {@code linear} or {@code llama3}
 * @param theta base of the frequencies
 * @param factor how much longer the context became
 * @param lowFreqFactor llama3 only
 * @param highFreqFactor llama3 only
 * @param originalContext llama3 only: tokens before the extension
 */
public record RopeScaling(
    String type,
    double theta,
    double factor,
    double lowFreqFactor,
    double highFreqFactor,
    double originalContext) {

  private static final double DEFAULT_THETA = 10000.0;

  /**
   * Reads {@code rope_parameters} (transformers 5) or {@code rope_theta} and {@code rope_scaling}.
   */
  static RopeScaling read(JsonConfig json) {
    JsonConfig scaling =
        json.object("rope_parameters").or(() -> json.object("rope_scaling")).orElse(json);
    String type =
        scaling == json
            ? "default"
            : scaling
                .findString("rope_type")
                .or(() -> scaling.findString("type"))
                .orElse("default");
    double theta =
        scaling.findDouble("rope_theta").orElse(json.optDouble("rope_theta", DEFAULT_THETA));
    return switch (type) {
      case "default" -> new RopeScaling(type, theta, 1, 1, 1, 1);
      case "linear" -> new RopeScaling(type, theta, scaling.requiredDouble("factor"), 1, 1, 1);
      case "llama3" ->
          new RopeScaling(
              type,
              theta,
              scaling.requiredDouble("factor"),
              scaling.requiredDouble("low_freq_factor"),
              scaling.requiredDouble("high_freq_factor"),
              scaling.requiredDouble("original_max_position_embeddings"));
      default ->
          throw scaling.wrong(
              scaling.has("rope_type") ? "rope_type" : "type",
              "one of default, linear, llama3: other rotary scalings are not available yet");
    };
  }

  /** Radians a position for each of the {@code headDim / 2} pairs. */
  public float[] frequencies(int headDim) {
    float[] frequencies = new float[headDim / 2];
    for (int i = 0; i < frequencies.length; i++) {
      float exponent = (float) (2 * i) / headDim;
      float frequency = 1.0f / (float) Math.pow(theta, exponent);
      frequencies[i] = scaled(frequency);
    }
    return frequencies;
  }

  private float scaled(float frequency) {
    return switch (type) {
      case "linear" -> (float) (frequency / factor);
      case "llama3" -> llama3(frequency);
      default -> frequency;
    };
  }

  private float llama3(float frequency) {
    double wavelength = 2 * Math.PI / frequency;
    if (wavelength < originalContext / highFreqFactor) {
      return frequency;
    }
    if (wavelength > originalContext / lowFreqFactor) {
      return (float) (frequency / factor);
    }
    double smooth =
        (originalContext / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
    return (float) ((1 - smooth) * frequency / factor + smooth * frequency);
  }
}
