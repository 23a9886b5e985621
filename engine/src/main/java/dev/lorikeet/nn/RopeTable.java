package dev.lorikeet.nn;

import dev.lorikeet.tape.Ops;
import dev.lorikeet.tape.Var;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;

/**
 * Cosines and sines of rotary positions: angle(p, i) = p · frequency(i). Computed in float32 as the
 * reference does, so long contexts round alike. Owns its tables.
 */
public final class RopeTable implements AutoCloseable {
  private final Tensor cos;
  private final Tensor sin;

  /**
   * Tables for positions 0 … {@code positions − 1}.
   *
   * @param frequencies radians a position, one for each pair of channels
   */
  public RopeTable(Device device, float[] frequencies, int positions) {
    int half = frequencies.length;
    cos = device.floats(positions, half);
    try {
      sin = device.floats(positions, half);
    } catch (RuntimeException failure) {
      cos.close();
      throw failure;
    }
    if (device.holdsValues()) {
      fill(frequencies, positions);
    }
  }

  private void fill(float[] frequencies, int positions) {
    int half = frequencies.length;
    float[] cosines = new float[positions * half];
    float[] sines = new float[positions * half];
    for (int p = 0; p < positions; p++) {
      for (int i = 0; i < half; i++) {
        float angle = p * frequencies[i];
        cosines[p * half + i] = (float) Math.cos(angle);
        sines[p * half + i] = (float) Math.sin(angle);
      }
    }
    cos.copyFrom(cosines);
    sin.copyFrom(sines);
  }

  /** Turns the heads of {@code x} [T, heads·D] in place. */
  public Var rotate(Pass pass, Var x) {
    return Ops.rope(pass.tape(), x, cos, sin, pass.positions());
  }

  @Override
  public void close() {
    cos.close();
    sin.close();
  }
}
