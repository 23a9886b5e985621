package dev.lorikeet.train;

import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.torch.Tensor;
import java.util.List;

/**
 * Shortens gradients whose common length is over a limit, as torch's clip_grad_norm_ does: all are
 * multiplied by min(1, maxNorm / (norm + 1e-6)).
 *
 * @param maxNorm the limit; 0 for none
 */
record GradientClip(Kernels kernels, double maxNorm) {
  private static final double EPSILON = 1e-6;

  /** Length of all gradients taken together, summed in double. */
  double norm(List<Tensor> gradients) {
    if (kernels instanceof Kernels.Totals totals && !gradients.isEmpty()) {
      return Math.sqrt(totals.sumOfSquares(gradients));
    }
    double squares = 0;
    for (Tensor gradient : gradients) {
      squares += kernels.sumOfSquares(gradient);
    }
    return Math.sqrt(squares);
  }

  /** Scales {@code gradients}, whose length is {@code norm}, in place. */
  void apply(List<Tensor> gradients, double norm) {
    double factor = maxNorm / (norm + EPSILON);
    if (maxNorm > 0 && factor < 1) {
      gradients.forEach(gradient -> kernels.scale(gradient, (float) factor));
    }
  }
}
