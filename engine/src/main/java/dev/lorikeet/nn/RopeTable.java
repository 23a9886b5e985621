package dev.lorikeet.nn;

import dev.lorikeet.tape.Ops;
import dev.lorikeet.tape.Ops.RopeTables;
import dev.lorikeet.tape.Var;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;

/**
 * Cosines and sines of rotary positions: angle(p, i) = p · frequency(i). Computed in float32 as the
 * reference does, so long contexts round alike. Owns its tables.
 */
public final class RopeTable implements Rope {
  private final int headDim;
  private final float stretch;
  private final Tensor cos;
  private final Tensor sin;

  /**
   * Tables for positions 0 … {@code positions − 1}.
   *
   * @param headDim columns of a head; the first {@code 2 · frequencies.length} of them are turned
   * @param frequencies radians a position, one for each pair of channels
   * @param stretch factor of cosines and sines, usually 1
   */
  public RopeTable(Device device, int headDim, float[] frequencies, float stretch, int positions) {
    this.headDim = headDim;
    this.stretch = stretch;
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
    Angles angles = new Angles(positions, frequencies.length);
    for (int p = 0; p < positions; p++) {
      angles.put(p, p, frequencies, stretch);
    }
    angles.copyTo(cos, sin);
  }

  @Override
  public Var rotate(Pass pass, Var x) {
    RopeTables tables = new RopeTables(headDim, cos, sin, pass.positions(), stretch != 1f);
    return Ops.rope(pass.tape(), x, tables);
  }

  @Override
  public void close() {
    cos.close();
    sin.close();
  }

  /** Cosines and sines row by row, on the host. */
  static final class Angles {
    private final float[] cosines;
    private final float[] sines;
    private final int half;

    Angles(int rows, int half) {
      cosines = new float[rows * half];
      sines = new float[rows * half];
      this.half = half;
    }

    /** Row {@code row} for position {@code position}. */
    void put(int row, int position, float[] frequencies, float stretch) {
      for (int i = 0; i < half; i++) {
        float angle = position * frequencies[i];
        cosines[row * half + i] = (float) Math.cos(angle) * stretch;
        sines[row * half + i] = (float) Math.sin(angle) * stretch;
      }
    }

    void copyTo(Tensor cos, Tensor sin) {
      cos.copyFrom(cosines);
      sin.copyFrom(sines);
    }
  }
}
