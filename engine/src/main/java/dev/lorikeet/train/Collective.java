package dev.lorikeet.train;

import dev.lorikeet.torch.Tensor;
import java.util.List;

/**
 * The workers of one run, and their sums. Every worker calls the same methods in the same order.
 */
public interface Collective {

  /** This worker's number, from 0. */
  int rank();

  /** Number of workers. */
  int size();

  /** Replaces every tensor by its sum over all workers, added in the order of their ranks. */
  void sum(List<Tensor> tensors);

  /** The sums of {@code values} over all workers, added in the order of their ranks. */
  double[] sum(double... values);

  /** One worker alone. */
  static Collective solo() {
    return new Collective() {
      @Override
      public int rank() {
        return 0;
      }

      @Override
      public int size() {
        return 1;
      }

      @Override
      public void sum(List<Tensor> tensors) {
        // The sum over one worker stands already.
      }

      @Override
      public double[] sum(double... values) {
        return values.clone();
      }
    };
  }
}
