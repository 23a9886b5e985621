package dev.lorikeet.adapter;

import dev.lorikeet.nn.BaseWeight;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Device.Transpose;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * ‖Wᵢ + s·(BA)ᵢ‖₂ of every row i, without forming BA or W + s·BA:
 *
 * <p>‖Wᵢ‖² + 2s·Bᵢ·(A·Wᵢᵀ) + s²·Bᵢ·(A·Aᵀ)·Bᵢᵀ.
 *
 * <p>‖Wᵢ‖² is taken once a load, A·Wᵀ [r, out] once a call. Where the terms cancel, their rounding
 * would be all that is left: a row whose sum is below {@value #CANCELLED} of the terms' sizes is
 * added up directly, from its entries in double. So every norm is right to about 2⁻²² of itself.
 */
final class RowNorms {
  private static final double CANCELLED = 1.0 / 16;
  private static final int ROW_GRAIN = 64;
  private static final float TO_BE_ADDED_UP = -1;

  private final BaseWeight weight;
  private final double scale;
  private final float[] squares;

  /** Reads all of W once. */
  RowNorms(BaseWeight weight, double scale) {
    this.weight = weight;
    this.scale = scale;
    squares = weight.rowSquares();
  }

  /** The norms [out] for A [r, in] and B [out, r]; zeros on a device without memory. */
  float[] of(Tensor a, Tensor b) {
    Device device = a.device();
    float[] norms = new float[squares.length];
    long rank = a.size(0);
    try (Tensor cross = device.floats(rank, squares.length);
        Tensor own = device.floats(squares.length, rank)) {
      weight.timesTransposed(a, cross);
      try (Tensor gram = device.floats(rank, rank)) {
        device.gemm(Transpose.NO, Transpose.YES, 1f, a, a, 0f, gram);
        device.gemm(Transpose.NO, Transpose.NO, 1f, b, gram, 0f, own);
      }
      if (device.isForHostCode()) {
        MemorySegment crossAt = cross.segment();
        MemorySegment ownAt = own.segment();
        MemorySegment bAt = b.segment();
        int r = Math.toIntExact(rank);
        device.forRange(
            norms.length,
            ROW_GRAIN,
            (from, to) -> {
              for (int i = from; i < to; i++) {
                norms[i] = norm(i, r, bAt, crossAt, ownAt);
              }
            });
        addUp(a, b, norms);
      }
    }
    return norms;
  }

  private float norm(int i, int rank, MemorySegment b, MemorySegment cross, MemorySegment own) {
    double mixed = 0;
    double mixedSize = 0;
    double update = 0;
    for (int k = 0; k < rank; k++) {
      double factor = at(b, (long) i * rank + k);
      double product = factor * at(cross, (long) k * squares.length + i);
      mixed += product;
      mixedSize += Math.abs(product);
      update += factor * at(own, (long) i * rank + k);
    }
    double outer = squares[i] + scale * scale * update;
    double radicand = outer + 2 * scale * mixed;
    return radicand < CANCELLED * (outer + 2 * scale * mixedSize)
        ? TO_BE_ADDED_UP
        : (float) Math.sqrt(radicand);
  }

  private void addUp(Tensor a, Tensor b, float[] norms) {
    for (int i = 0; i < norms.length; i++) {
      if (norms[i] == TO_BE_ADDED_UP) {
        norms[i] = addUp(i, a, b);
      }
    }
  }

  private float addUp(int i, Tensor a, Tensor b) {
    int in = Math.toIntExact(a.size(1));
    int rank = Math.toIntExact(a.size(0));
    MemorySegment aAt = a.segment();
    try (Tensor row = a.device().floats(1, in);
        Tensor factors = b.rows(i, 1)) {
      weight.readRows(i, row);
      MemorySegment w = row.segment();
      MemorySegment factorsAt = factors.segment();
      double sum = 0;
      for (int j = 0; j < in; j++) {
        double update = 0;
        for (int k = 0; k < rank; k++) {
          update += at(factorsAt, k) * at(aAt, (long) k * in + j);
        }
        double entry = at(w, j) + scale * update;
        sum += entry * entry;
      }
      return (float) Math.sqrt(sum);
    }
  }

  private static double at(MemorySegment floats, long index) {
    return floats.getAtIndex(ValueLayout.JAVA_FLOAT, index);
  }
}
