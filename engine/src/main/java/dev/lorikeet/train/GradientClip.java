package dev.lorikeet.train;

import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Shortens gradients whose common length is over a limit, as torch's clip_grad_norm_ does: all are
 * multiplied by min(1, maxNorm / (norm + 1e-6)).
 *
 * @param maxNorm the limit; 0 for none
 */
record GradientClip(Kernels kernels, double maxNorm) {
  private static final double EPSILON = 1e-6;

  /**
   * total = the squared length of all gradients taken together, summed in double. Nothing is waited
   * for.
   *
   * @param total the bytes of a double, uint8 [8]
   */
  void measure(List<Tensor> gradients, Tensor total) {
    if (kernels instanceof Kernels.Totals totals && !gradients.isEmpty()) {
      totals.sumOfSquares(gradients, total);
      return;
    }
    double[] squares = {0};
    for (Tensor gradient : gradients) {
      squares[0] += kernels.sumOfSquares(gradient);
    }
    total.copyFrom(MemorySegment.ofArray(squares));
  }

  /** Scales {@code gradients}, whose length is {@code norm}, in place. */
  void apply(List<Tensor> gradients, double norm) {
    double factor = maxNorm / (norm + EPSILON);
    if (maxNorm > 0 && factor < 1) {
      gradients.forEach(gradient -> kernels.scale(gradient, (float) factor));
    }
  }
}
