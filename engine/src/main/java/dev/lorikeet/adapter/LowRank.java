package dev.lorikeet.adapter;

import dev.lorikeet.nn.Linear;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Device.Transpose;
import dev.lorikeet.torch.Tensor;

/**
 * Two matrices whose product s·B·A approximates another one. Owns them.
 *
 * @param a A [r, in]
 * @param b B [out, r]
 */
record LowRank(Tensor a, Tensor b) implements AutoCloseable {

  /** Matrices for a weight [out, in], with any values. */
  static LowRank allocate(Device device, int rank, Linear of) {
    return allocate(device, rank, of.outFeatures(), of.inFeatures());
  }

  /** Matrices for a weight [out, in], with any values. */
  static LowRank allocate(Device device, long rank, long out, long in) {
    Tensor a = device.floats(rank, in);
    try {
      return new LowRank(a, device.floats(out, rank));
    } catch (RuntimeException failure) {
      a.close();
      throw failure;
    }
  }

  /**
   * Takes the r largest singular values of {@code matrix} [out, in] = U·diag(σ)·Vᵀ: A =
   * diag(√(σ/s))·Vᵀ and B = U·diag(√(σ/s)), so that s·B·A is the nearest matrix of rank r.
   *
   * @throws ArithmeticException if the matrix cannot be decomposed
   */
  void decompose(Tensor matrix, double scale) {
    Device device = matrix.device();
    try (Tensor values = device.floats(Math.min(matrix.size(0), matrix.size(1)))) {
      device.singularVectors(matrix, b, values, a);
      share(values.toFloats(), scale);
    }
  }

  /** Gives each side the root of every singular value over the scale. */
  void share(float[] values, double scale) {
    float[] left = b.toFloats();
    float[] right = a.toFloats();
    int rank = (int) a.size(0);
    int columns = (int) a.size(1);
    for (int i = 0; i < rank; i++) {
      float root = (float) Math.sqrt(values[i] / scale);
      for (int row = 0; row < b.size(0); row++) {
        left[row * rank + i] *= root;
      }
      for (int column = 0; column < columns; column++) {
        right[i * columns + column] *= root;
      }
    }
    a.copyFrom(right);
    b.copyFrom(left);
  }

  /** matrix −= s·B·A. */
  void subtractFrom(Tensor matrix, double scale) {
    matrix.device().gemm(Transpose.NO, Transpose.NO, (float) -scale, b, a, 1f, matrix);
  }

  /** The same on {@code other}: these if they are there, otherwise copies, and these are closed. */
  LowRank movedTo(Device other) {
    if (other.equals(a.device())) {
      return this;
    }
    try (this) {
      Tensor movedA = a.on(other);
      try {
        return new LowRank(movedA, b.on(other));
      } catch (RuntimeException failure) {
        movedA.close();
        throw failure;
      }
    }
  }

  /** An adapter of {@code base} with these values, in matrices of its own. */
  Lora copied(Linear base, LoraSettings settings) {
    Tensor ownA = a.emptyLike().copyFrom(a);
    try {
      return new Lora(base, settings, ownA, b.emptyLike().copyFrom(b));
    } catch (RuntimeException failure) {
      ownA.close();
      throw failure;
    }
  }

  @Override
  public void close() {
    a.close();
    b.close();
  }
}
