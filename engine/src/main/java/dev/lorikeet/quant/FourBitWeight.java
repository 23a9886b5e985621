package dev.lorikeet.quant;

import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.format.FourBitState;
import dev.lorikeet.format.StoredQuantization;
import dev.lorikeet.format.StoredQuantization.FourBit;
import dev.lorikeet.format.StoredQuantization.NestedScales;
import dev.lorikeet.kernel.CudaFourBit;
import dev.lorikeet.kernel.DeviceMatrix;
import dev.lorikeet.kernel.DynamicMap;
import dev.lorikeet.kernel.FourBitKernel;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.torch.TiledMatrix.RowDots;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A weight in NF4 or FP4: two codes a byte, a scale for every block, and perhaps the scales in a
 * byte each with scales of their own.
 */
final class FourBitWeight implements QuantizedWeight {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final FourBitState state;
  private final Tensor codes;
  private final Tensor scales;
  private final Optional<Tensor> nestedAbsmax;
  private final float[] map;
  private final float[] nestedMap;
  private final @Nullable FourBitKernel kernel;

  /**
   * Takes over the tensors.
   *
   * @param codes uint8 [⌈n/2⌉]
   * @param scales float32 [blocks], or uint8 [blocks] with {@code nestedAbsmax}
   * @param nestedAbsmax float32 [nested blocks]
   * @param map what the 16 codes stand for
   * @param nestedMap what the 256 bytes of quantised scales stand for
   */
  FourBitWeight(
      FourBitState state,
      Tensor codes,
      Tensor scales,
      Optional<Tensor> nestedAbsmax,
      float[] map,
      float[] nestedMap) {
    this.state = state;
    this.codes = codes;
    this.scales = scales;
    this.nestedAbsmax = nestedAbsmax;
    this.map = map;
    this.nestedMap = nestedMap;
    kernel = codes.device().hasHostMemory() ? kernel() : null;
  }

  /** A copy of a stored weight in the memory of {@code device}. */
  static FourBitWeight read(FourBit stored, Device device) {
    FourBitState state = stored.state();
    try (Allocations tensors = new Allocations(device)) {
      Tensor codes = tensors.copy(DType.UINT8, stored.codes());
      Tensor scales =
          tensors.copy(state.nested().isPresent() ? DType.UINT8 : DType.FLOAT32, stored.scales());
      Optional<Tensor> absmax =
          stored.nested().map(nested -> tensors.copy(DType.FLOAT32, nested.absmax()));
      float[] nestedMap =
          stored
              .nested()
              .map(nested -> nested.map().toArray(FLOAT))
              .orElseGet(DynamicMap.SIGNED::values);
      FourBitWeight weight =
          new FourBitWeight(state, codes, scales, absmax, stored.map().toArray(FLOAT), nestedMap);
      tensors.handOver();
      return weight;
    }
  }

  private FourBitKernel kernel() {
    FourBitKernel.Scales scale =
        nestedAbsmax.isPresent()
            ? FourBitKernel.nestedScales(
                scales.address(),
                nestedAbsmax.get().address(),
                nestedMap,
                state.nested().orElseThrow().blockSize(),
                state.nested().orElseThrow().offset())
            : FourBitKernel.plainScales(scales.address());
    return new FourBitKernel(codes.address(), map, state.blockSize(), scale);
  }

  @Override
  public int outFeatures() {
    return Math.toIntExact(state.shape().getFirst());
  }

  @Override
  public int inFeatures() {
    return Math.toIntExact(state.shape().getLast());
  }

  @Override
  public Quantization format() {
    return format(state);
  }

  static Quantization format(FourBitState state) {
    return switch (state.type()) {
      case NF4 -> Quantization.NF4;
      case FP4 -> Quantization.FP4;
    };
  }

  @Override
  public Device device() {
    return codes.device();
  }

  @Override
  public long bytes() {
    return codes.bytes() + scales.bytes() + nestedAbsmax.map(Tensor::bytes).orElse(0L);
  }

  @Override
  public void dequantizeRows(int first, int count, long out) {
    if (kernel == null) {
      throw new IllegalStateException("the host sees no values of a weight on " + device());
    }
    kernel.dequantize((long) first * inFeatures(), Math.multiplyExact(count, inFeatures()), out);
  }

  @Override
  public DeviceMatrix onDevice() {
    return DeviceMatrix.of(
        new CudaFourBit.Weight(
            outFeatures(),
            inFeatures(),
            state.blockSize(),
            codes,
            scales,
            map,
            nestedAbsmax.map(absmax ->
                new CudaFourBit.NestedScales(
                    absmax,
                    nestedMap,
                    state.nested().orElseThrow().blockSize(),
                    state.nested().orElseThrow().offset()))));
  }

  @Override
  public QuantizedWeight movedTo(Device other) {
    if (other.equals(device())) {
      return this;
    }
    try (this;
        Allocations tensors = new Allocations(other)) {
      Tensor movedCodes = tensors.copy(codes);
      Tensor movedScales = tensors.copy(scales);
      Optional<Tensor> absmax = nestedAbsmax.map(tensors::copy);
      FourBitWeight moved =
          new FourBitWeight(state, movedCodes, movedScales, absmax, map, nestedMap);
      tensors.handOver();
      return moved;
    }
  }

  @Override
  public Optional<RowDots> dots() {
    FourBitKernel present = kernel;
    int columns = inFeatures();
    return present == null || !FourBitKernel.multiplies(columns)
        ? Optional.empty()
        : Optional.of(new Dots(present, columns));
  }

  private record Dots(FourBitKernel kernel, int columns) implements RowDots {
    @Override
    public void multiply(int first, int count, long x, long sums) {
      kernel.dots(first, count, columns, x, sums);
    }

    @Override
    public long arranged(long x, long room) {
      return kernel.arranged(x, columns, room);
    }
  }

  @Override
  public StoredQuantization stored() {
    // The garbage collector frees copies: nobody closes what files hold.
    Arena copies = Arena.ofAuto();
    return new FourBit(
        state,
        codes.onHost(copies),
        scales.onHost(copies),
        MemorySegment.ofArray(map.clone()),
        nestedAbsmax.map(absmax ->
            new NestedScales(absmax.onHost(copies), MemorySegment.ofArray(nestedMap.clone()))));
  }

  @Override
  public void close() {
    codes.close();
    scales.close();
    nestedAbsmax.ifPresent(Tensor::close);
  }
}
