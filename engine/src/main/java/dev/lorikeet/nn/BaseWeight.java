package dev.lorikeet.nn;

import dev.lorikeet.kernel.DeviceMatrix;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.torch.Tensor;
import java.util.Optional;

/**
 * The frozen weight W [out, in] of a linear map, in whatever form it is held: what adapters ask of
 * it besides its products with inputs. For a quantised weight, W is what its codes stand for.
 * Nobody gets the whole of it.
 */
public interface BaseWeight {

  /**
   * Σⱼ Wᵢⱼ² of every row, [out]: summed in double, rounded once. Zeros on a device without memory.
   * Reads all of W; ask once a load. For code of the host.
   */
  float[] rowSquares();

  /** W for kernels of a device whose memory the host does not see; it stays with this weight. */
  DeviceMatrix onDevice();

  /**
   * out = a·Wᵀ.
   *
   * @param a float32 [r, in]
   * @param out float32 [r, out], replaced
   */
  void timesTransposed(Tensor a, Tensor out);

  /**
   * Copies rows of W.
   *
   * @param from first row, from 0
   * @param out float32 [count, in], replaced by the rows {@code from … from + count − 1}
   */
  void readRows(int from, Tensor out);

  /** b [out], if the map has one. */
  Optional<Parameter> bias();
}
