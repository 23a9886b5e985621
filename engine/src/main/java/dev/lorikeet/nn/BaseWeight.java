package dev.lorikeet.nn;

import dev.lorikeet.torch.Tensor;

/**
 * What adapters may ask of the frozen weight W [out, in] of a linear map, in whatever form it is
 * held. For a quantised weight, W is what its codes stand for.
 */
public interface BaseWeight {

  /**
   * The squared length of every row, Σⱼ Wᵢⱼ², summed in double; [out]. Zeros on a device without
   * memory.
   */
  float[] rowSquares();

  /** out = a·Wᵀ; a [r, in], out [r, out], both float32. */
  void timesTransposed(Tensor a, Tensor out);
}
