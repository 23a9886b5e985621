package dev.lorikeet.quant;

import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.format.StoredQuantization;
import dev.lorikeet.kernel.DeviceMatrix;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.TiledMatrix.RowDots;
import java.util.Optional;

/** A frozen weight W [out, in] in few bits. Owns its memory, which lies on a device. */
public sealed interface QuantizedWeight extends AutoCloseable
    permits FourBitWeight, Int8Weight, BlockWeight {

  /** Rows, the columns of the map's output. */
  int outFeatures();

  /** Columns, as those of the map's input. */
  int inFeatures();

  /** The format that quantising makes; none for a weight that only files of others hold. */
  Quantization format();

  /** Where the codes and scales lie. */
  Device device();

  /** Bytes of codes and scales. */
  long bytes();

  /**
   * Writes rows {@code first … first + count − 1} as float32 to host address {@code out}, on the
   * calling thread. Several threads may read at a time.
   */
  void dequantizeRows(int first, int count, long out);

  /** The weight for kernels of a device whose memory the host does not see. */
  DeviceMatrix onDevice();

  /** The same weight on {@code other}: this one if it is there, otherwise a copy, and it closes. */
  QuantizedWeight movedTo(Device other);

  /** What multiplies rows without writing them down, if there is a kernel for them. */
  Optional<RowDots> dots();

  /**
   * Codes and scales as files hold them, on the host: the weight's own memory, which lives as long
   * as it, or copies.
   */
  StoredQuantization stored();

  @Override
  void close();
}
