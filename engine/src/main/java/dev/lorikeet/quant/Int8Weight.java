package dev.lorikeet.quant;

import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.format.StoredQuantization;
import dev.lorikeet.format.StoredQuantization.Int8;
import dev.lorikeet.kernel.DeviceMatrix;
import dev.lorikeet.kernel.Int8Kernel;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.torch.TiledMatrix.RowDots;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;

/** A weight in signed bytes with a scale for every row: W = code · scale / 127. */
final class Int8Weight implements QuantizedWeight {
  private final int outFeatures;
  private final int inFeatures;
  private final Tensor codes;
  private final Tensor rowScales;

  /**
   * Takes over the tensors.
   *
   * @param codes int8 [out·in]
   * @param rowScales float32 [out]
   */
  Int8Weight(int outFeatures, int inFeatures, Tensor codes, Tensor rowScales) {
    this.outFeatures = outFeatures;
    this.inFeatures = inFeatures;
    this.codes = codes;
    this.rowScales = rowScales;
  }

  /** A copy of a stored weight in the memory of {@code device}. */
  static Int8Weight read(Int8 stored, Device device) {
    try (Allocations tensors = new Allocations(device)) {
      Int8Weight weight =
          new Int8Weight(
              Math.toIntExact(stored.shape().getFirst()),
              Math.toIntExact(stored.shape().getLast()),
              tensors.copy(DType.INT8, stored.codes()),
              tensors.copy(DType.FLOAT32, stored.rowScales()));
      tensors.handOver();
      return weight;
    }
  }

  @Override
  public int outFeatures() {
    return outFeatures;
  }

  @Override
  public int inFeatures() {
    return inFeatures;
  }

  @Override
  public Quantization format() {
    return Quantization.INT8;
  }

  @Override
  public Device device() {
    return codes.device();
  }

  @Override
  public long bytes() {
    return codes.bytes() + rowScales.bytes();
  }

  @Override
  public DeviceMatrix onDevice() {
    return DeviceMatrix.of(codes, rowScales);
  }

  @Override
  public QuantizedWeight movedTo(Device other) {
    if (other.equals(device())) {
      return this;
    }
    try (this;
        Allocations tensors = new Allocations(other)) {
      Int8Weight moved =
          new Int8Weight(outFeatures, inFeatures, tensors.copy(codes), tensors.copy(rowScales));
      tensors.handOver();
      return moved;
    }
  }

  @Override
  public Optional<RowDots> dots() {
    return Optional.of((first, count, x, sums) ->
        Int8Kernel.dots(
            codes.address() + (long) first * inFeatures,
            rowScales.address() + (long) Float.BYTES * first,
            count,
            inFeatures,
            x,
            sums));
  }

  @Override
  public void dequantizeRows(int first, int count, long out) {
    MemorySegment scales = rowScales.segment();
    for (int row = first; row < first + count; row++) {
      float scale = scales.getAtIndex(ValueLayout.JAVA_FLOAT, row);
      Int8Kernel.dequantize(
          codes.address() + (long) row * inFeatures,
          inFeatures,
          scale,
          out + (long) Float.BYTES * (row - first) * inFeatures);
    }
  }

  @Override
  public StoredQuantization stored() {
    // The garbage collector frees copies: nobody closes what files hold.
    Arena copies = Arena.ofAuto();
    return new Int8(
        List.of((long) outFeatures, (long) inFeatures),
        codes.onHost(copies),
        rowScales.onHost(copies));
  }

  @Override
  public void close() {
    codes.close();
    rowScales.close();
  }
}
