package dev.lorikeet.model;

import dev.lorikeet.nn.LengthRope;
import dev.lorikeet.nn.Rope;
import dev.lorikeet.nn.RopeTable;
import dev.lorikeet.torch.Device;
import java.util.List;

/**
 * Frequencies of rotary positions: base frequencies θ^(−2i/R) of R turned columns, and how a longer
 * context changes them. Computed in float32 in the reference's order of operations.
 */
public sealed interface RopeScaling {

  /** Base of the frequencies. */
  double theta();

  /**
   * Radians a position for each pair of columns, in a sequence of {@code length}.
   *
   * @param rotary turned columns; of an odd number one more is turned
   */
  float[] frequencies(int rotary, int length);

  /** Factor of cosines and sines. */
  default float stretch() {
    return 1f;
  }

  /**
   * Tokens that a sequence may have. Configs with types {@code linear} and {@code dynamic} tell the
   * context of before the extension, the others that of after it.
   *
   * @param context {@code max_position_embeddings}
   */
  default int reach(int context) {
    return context;
  }

  /** Whether {@link #frequencies} depend on the length. */
  default boolean dependsOnLength() {
    return false;
  }

  /**
   * Positions of a model on a device.
   *
   * @param headDim columns of a head
   * @param rotary columns that are turned, from the first on
   * @param positions tokens that a sequence may have
   */
  default Rope rope(Device device, int headDim, int rotary, int positions) {
    return dependsOnLength()
        ? new LengthRope(headDim, length -> frequencies(rotary, length), stretch())
        : new RopeTable(device, headDim, frequencies(rotary, 1), stretch(), positions);
  }

  /** Base frequencies. */
  record Plain(double theta) implements RopeScaling {
    @Override
    public float[] frequencies(int rotary, int length) {
      return base(theta, rotary);
    }
  }

  /** All divided by the factor (Chen et al. 2023). */
  record Linear(double theta, double factor) implements RopeScaling {
    @Override
    public float[] frequencies(int rotary, int length) {
      float[] frequencies = base(theta, rotary);
      for (int i = 0; i < frequencies.length; i++) {
        frequencies[i] = (float) (frequencies[i] / factor);
      }
      return frequencies;
    }

    @Override
    public int reach(int context) {
      return extended(context, factor);
    }
  }

  /**
   * A base that grows with the sequence beyond the context ("dynamic NTK").
   *
   * @param context tokens up to which nothing changes
   */
  record Dynamic(double theta, double factor, int context) implements RopeScaling {
    @Override
    public float[] frequencies(int rotary, int length) {
      if (length <= context) {
        return base(theta, rotary);
      }
      double grown = factor * length / context - (factor - 1);
      return base(theta * Math.pow(grown, rotary / (rotary - 2.0)), rotary);
    }

    @Override
    public int reach(int configured) {
      return extended(configured, factor);
    }

    @Override
    public boolean dependsOnLength() {
      return true;
    }
  }

  /**
   * Wavelengths below original / highFreqFactor stay, those above original / lowFreqFactor are
   * multiplied by the factor, those between are mixed (Llama 3.1's published code).
   */
  record Llama3(
      double theta, double factor, double lowFreqFactor, double highFreqFactor, double original)
      implements RopeScaling {
    @Override
    public float[] frequencies(int rotary, int length) {
      float[] frequencies = base(theta, rotary);
      for (int i = 0; i < frequencies.length; i++) {
        frequencies[i] = scaled(frequencies[i]);
      }
      return frequencies;
    }

    private float scaled(float frequency) {
      double wavelength = 2 * Math.PI / frequency;
      if (wavelength < original / highFreqFactor) {
        return frequency;
      }
      if (wavelength > original / lowFreqFactor) {
        return (float) (frequency / factor);
      }
      double smooth = (original / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
      return (float) ((1 - smooth) * frequency / factor + smooth * frequency);
    }
  }

  /**
   * Frequencies that turn often in the original context stay, those that turn seldom are divided by
   * the factor, with a ramp between; cosines and sines stretch (YaRN, Peng et al. 2023).
   *
   * @param attentionFactor the stretch
   * @param betaFast turns from which a frequency stays
   * @param betaSlow turns up to which it is divided
   * @param truncate whether the ramp begins and ends at whole pairs
   */
  record Yarn(
      double theta,
      double factor,
      double attentionFactor,
      double betaFast,
      double betaSlow,
      double original,
      boolean truncate)
      implements RopeScaling {

    private static final double NOT_A_POINT = 0.001;

    @Override
    public float stretch() {
      return (float) attentionFactor;
    }

    @Override
    public float[] frequencies(int rotary, int length) {
      double low = pairThatTurns(betaFast, rotary);
      double high = pairThatTurns(betaSlow, rotary);
      if (truncate) {
        low = Math.floor(low);
        high = Math.ceil(high);
      }
      low = Math.max(low, 0);
      high = Math.min(high, rotary - 1);
      if (low == high) {
        high += NOT_A_POINT;
      }
      float[] frequencies = new float[(rotary + 1) / 2];
      for (int i = 0; i < frequencies.length; i++) {
        float ramp = Math.clamp((float) ((i - low) / (high - low)), 0f, 1f);
        float power = (float) Math.pow(theta, (float) (2 * i) / rotary);
        float kept = 1f - ramp;
        frequencies[i] = 1f / ((float) factor * power) * (1f - kept) + 1f / power * kept;
      }
      return frequencies;
    }

    private double pairThatTurns(double turns, int rotary) {
      return rotary * Math.log(original / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
    }
  }

  /**
   * A divisor of its own for every frequency: one set up to the original context, another beyond
   * (LongRoPE, Ding et al. 2024).
   *
   * @param attentionFactor factor of cosines and sines
   */
  record LongRope(
      double theta,
      List<Double> shortFactor,
      List<Double> longFactor,
      double attentionFactor,
      double original)
      implements RopeScaling {

    @Override
    public float stretch() {
      return (float) attentionFactor;
    }

    @Override
    public boolean dependsOnLength() {
      return true;
    }

    @Override
    public float[] frequencies(int rotary, int length) {
      List<Double> divisors = length > original ? longFactor : shortFactor;
      float[] frequencies = new float[(rotary + 1) / 2];
      for (int i = 0; i < frequencies.length; i++) {
        float power = (float) Math.pow(theta, (float) (2 * i) / rotary);
        frequencies[i] = 1f / (divisors.get(i).floatValue() * power);
      }
      return frequencies;
    }
  }

  private static int extended(int context, double factor) {
    return (int) Math.min(Integer.MAX_VALUE, context * Math.max(1, factor));
  }

  private static float[] base(double theta, int rotary) {
    float[] frequencies = new float[(rotary + 1) / 2];
    for (int i = 0; i < frequencies.length; i++) {
      float exponent = (float) (2 * i) / rotary;
      frequencies[i] = 1.0f / (float) Math.pow(theta, exponent);
    }
    return frequencies;
  }
}
