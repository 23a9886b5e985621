package dev.lorikeet.kernel;

import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;

/**
 * The two states of Adam in 8 bits an element: a value is a code of bitsandbytes' dynamic map times
 * the largest magnitude of its block. Owns its tensors.
 *
 * <p>Blocks are 256 consecutive elements, the last one may be shorter. Zero bytes with zero
 * magnitudes, as a new state has them, are zeros.
 *
 * @param mean codes of the signed map, uint8, as many as elements
 * @param meanMax largest |mean| of each block, float32
 * @param square codes of the unsigned map, uint8
 * @param squareMax largest square of each block, float32
 * @see <a href="https://arxiv.org/abs/2110.02861">Dettmers et al. 2022, sections 2.1 and 3</a>
 */
public record QuantizedMoments(Tensor mean, Tensor meanMax, Tensor square, Tensor squareMax)
    implements AutoCloseable {
  /** Elements of a block. */
  public static final int BLOCK = 256;

  /** States of {@code elements} elements, all zero. */
  public static QuantizedMoments zeros(Device device, long elements) {
    long blocks = Math.ceilDiv(elements, BLOCK);
    return new QuantizedMoments(
        device.empty(DType.UINT8, elements).zero(),
        device.zeros(blocks),
        device.empty(DType.UINT8, elements).zero(),
        device.zeros(blocks));
  }

  @Override
  public void close() {
    mean.close();
    meanMax.close();
    square.close();
    squareMax.close();
  }
}
