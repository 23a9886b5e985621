package dev.lorikeet.nn;

import dev.lorikeet.kernel.Segments;
import dev.lorikeet.nn.RopeTable.Angles;
import dev.lorikeet.tape.Ops;
import dev.lorikeet.tape.Ops.RopeTables;
import dev.lorikeet.tape.Var;
import dev.lorikeet.torch.Tensor;
import java.util.Arrays;

/**
 * Rotary positions whose frequencies depend on how long a sequence is, each for itself: its
 * neighbours in a batch change nothing. Tables are made once a pass, a row a token.
 */
public final class LengthRope implements Rope {
  private final int headDim;
  private final Frequencies frequencies;
  private final float stretch;

  /** Frequencies for a length. */
  @FunctionalInterface
  public interface Frequencies {
    /**
     * Radians a position, one for each pair of channels, in a sequence of {@code length} tokens.
     */
    float[] of(int length);
  }

  /**
   * Positions by {@code frequencies}.
   *
   * @param headDim columns of a head
   * @param stretch factor of cosines and sines, usually 1
   */
  public LengthRope(int headDim, Frequencies frequencies, float stretch) {
    this.headDim = headDim;
    this.frequencies = frequencies;
    this.stretch = stretch;
  }

  @Override
  public Var rotate(Pass pass, Var x) {
    Tables tables = pass.made(this, Tables.class, () -> tables(pass));
    return Ops.rope(
        pass.tape(),
        x,
        new RopeTables(headDim, tables.cos, tables.sin, tables.rows, stretch != 1f));
  }

  private record Tables(Tensor cos, Tensor sin, Tensor rows) implements AutoCloseable {
    @Override
    public void close() {
      cos.close();
      sin.close();
      rows.close();
    }
  }

  private Tables tables(Pass pass) {
    Sequences sequences = pass.sequences();
    Segments segments = sequences.segments();
    int half = frequencies.of(1).length;
    Angles angles = new Angles(sequences.length(), half);
    int[] rows = new int[sequences.length()];
    for (int s = 0; s < segments.count(); s++) {
      float[] own = frequencies.of(segments.keyLength(s));
      int first = segments.queryStart(s);
      for (int row = first; row < first + segments.queryLength(s); row++) {
        rows[row] = row;
        angles.put(row, sequences.position(row), own, stretch);
      }
    }
    Tensor cos = pass.device().floats(rows.length, half);
    Tensor sin = pass.device().floats(rows.length, half);
    if (pass.device().holdsValues()) {
      angles.copyTo(cos, sin);
    }
    return new Tables(cos, sin, pass.device().ints(rows));
  }

  @Override
  public boolean keepsKeys(int from, int to) {
    return Arrays.equals(frequencies.of(from), frequencies.of(to));
  }

  /** Nothing is held between passes. */
  @Override
  public void close() {}
}
