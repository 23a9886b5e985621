package dev.lorikeet.torch;

/** A frozen matrix W [rows, columns] in whatever form it is held, by what is asked of it. */
public interface HeldMatrix {

  /** Length of the first dimension: outputs of a linear map. */
  int rows();

  /** Length of the second dimension: inputs of a linear map. */
  int columns();

  /** y = alpha · x·Wᵀ + beta · y; float32 x [T, columns], y [T, rows]. */
  void timesTransposed(float alpha, Tensor x, float beta, Tensor y);

  /** x = alpha · y·W + beta · x; float32 y [T, rows], x [T, columns]. */
  void times(float alpha, Tensor y, float beta, Tensor x);

  /** Writes rows from {@code first} on into float32 {@code out} [count, columns]. */
  void readRows(int first, Tensor out);
}
