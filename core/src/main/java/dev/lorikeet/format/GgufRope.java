package dev.lorikeet.format;

import dev.lorikeet.error.FormatException;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * Llama 3's scaling of rotary frequencies, found again in the tensor that convert_hf_to_gguf.py
 * works it out to: a divisor for each frequency θ^(−2i/R). Wavelengths below original / high stay,
 * those above original / low are multiplied by the factor, those between are mixed.
 */
final class GgufRope {
  /** The tensor with the divisors, [R/2]. */
  static final String DIVISORS = "rope_freqs.weight";

  private static final double LOW = 1;
  private static final double HIGH = 4;
  private static final int ORIGINAL = 8192;

  /** Llama 3.1 and 3.3; Llama 3.2. */
  private static final List<Double> FACTORS = List.of(8.0, 32.0);

  /**
   * Frequencies are float32 powers, off by some 1e-6 of themselves; a divisor changes at most 4/3 ·
   * factor times as much, 5e-5 with factor 32.
   */
  private static final double TOLERANCE = 1e-4;

  private GgufRope() {}

  /**
   * The {@code rope_scaling} of config.json.
   *
   * @param theta base of the frequencies
   * @throws FormatException if the divisors are not those of a published Llama 3
   */
  static ObjectNode llama3(Gguf file, double theta) {
    float[] divisors =
        file.floats(file.required(DIVISORS, Optional.ofNullable(file.tensors().get(DIVISORS))));
    for (double factor : FACTORS) {
      if (matches(divisors, theta, factor)) {
        return JsonFile.MAPPER
            .createObjectNode()
            .put("rope_type", "llama3")
            .put("factor", factor)
            .put("low_freq_factor", LOW)
            .put("high_freq_factor", HIGH)
            .put("original_max_position_embeddings", ORIGINAL);
      }
    }
    throw new FormatException(
        file.file(),
        DIVISORS,
        "the divisors of the rotary frequencies are not those of Llama 3 (factor 8 or 32, from a context of %d), which config.json has no key for; use the safetensors checkpoint of the model."
            .formatted(ORIGINAL));
  }

  private static boolean matches(float[] divisors, double theta, double factor) {
    for (int i = 0; i < divisors.length; i++) {
      double expected =
          divisor(2 * Math.PI * Math.pow(theta, (double) i / divisors.length), factor);
      if (!(Math.abs(divisors[i] - expected) <= TOLERANCE * expected)) {
        return false;
      }
    }
    return divisors.length > 0;
  }

  private static double divisor(double wavelength, double factor) {
    if (wavelength < ORIGINAL / HIGH) {
      return 1;
    }
    if (wavelength > ORIGINAL / LOW) {
      return factor;
    }
    double smooth = (ORIGINAL / wavelength - LOW) / (HIGH - LOW);
    return 1 / ((1 - smooth) / factor + smooth);
  }
}
