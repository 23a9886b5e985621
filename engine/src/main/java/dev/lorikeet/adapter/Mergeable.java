package dev.lorikeet.adapter;

import dev.lorikeet.nn.Linear;
import dev.lorikeet.torch.Tensor;

/** An adapted linear map that can say what single weight would do the same. */
public interface Mergeable extends Linear {

  /**
   * Rows of the merged weight in float32. An entry is off by at most (r + 3)·2⁻²⁴ of the sizes of
   * its terms.
   *
   * @param from first row, from 0
   * @param out float32 [count, in], replaced by the rows {@code from … from + count − 1}; may be
   *     those very rows of the base's own weight
   */
  void mergedRows(int from, Tensor out);

  /** The map that is adapted. */
  Linear base();

  /** The same adapter merged into another map of its shape; the caller closes it. */
  Rows over(Linear otherBase);

  /** Rows of a merged weight. */
  interface Rows extends AutoCloseable {
    /** As {@link Mergeable#mergedRows}. */
    void read(int from, Tensor out);

    @Override
    void close();
  }
}
