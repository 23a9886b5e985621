package dev.lorikeet.kernel;

import dev.lorikeet.kernel.CudaFourBit.NestedScales;
import dev.lorikeet.kernel.CudaFourBit.Weight;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.LibTorch;
import dev.lorikeet.torch.LibTorch.Gradients;
import dev.lorikeet.torch.LibTorch.Precision;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.torch.TorchValue;
import java.util.Optional;

/**
 * Weights in few bits as numbers, in libtorch's elementary operations: bit for bit what {@link
 * FourBitKernel} and {@link Int8Kernel} make of them.
 */
final class TorchDequantizer {
  private TorchDequantizer() {}

  private static LibTorch open(Device device) {
    return LibTorch.open(Precision.FLOAT32, Gradients.OFF, device);
  }

  /** Writes rows from {@code first} on into float32 {@code out} [count, columns]. */
  static void fourBit(Device device, Weight weight, int first, Tensor out) {
    long begin = (long) first * weight.columns();
    long end = begin + out.elements();
    if (begin == end) {
      return;
    }
    try (Tensor map = device.floats(weight.map().length).copyFrom(weight.map());
        Tensor nestedMap = nestedMap(device, weight);
        LibTorch torch = open(device)) {
      long firstByte = begin / 2;
      TorchValue pairs =
          torch.view(weight.codes()).slice(0, firstByte, Math.ceilDiv(end, 2)).reshape(-1, 1);
      TorchValue high = pairs.shiftRight(4);
      TorchValue codes = torch.cat(1, high, pairs.sub(high.times32(16))).reshape(-1);
      TorchValue wanted = codes.slice(0, begin - 2 * firstByte, end - 2 * firstByte);
      torch
          .view(map)
          .rowsAt(wanted)
          .mul(scales(torch, weight, torch.view(nestedMap), begin, end))
          .copyTo(out);
    }
  }

  private static Tensor nestedMap(Device device, Weight weight) {
    float[] map = weight.nested().map(NestedScales::map).orElseGet(() -> new float[1]);
    return device.floats(map.length).copyFrom(map);
  }

  /** The scale of every element {@code begin … end − 1}. */
  private static TorchValue scales(
      LibTorch torch, Weight weight, TorchValue nestedMap, long begin, long end) {
    TorchValue scales = torch.view(weight.scales());
    Optional<NestedScales> nested = weight.nested();
    if (nested.isPresent()) {
      TorchValue absmax = torch.view(nested.get().absmax()).repeat(0, nested.get().blockSize());
      scales =
          nestedMap
              .rowsAt(scales)
              .mul(absmax.slice(0, 0, weight.scales().elements()))
              .add(nested.get().offset());
    }
    int size = weight.blockSize();
    long firstBlock = begin / size;
    return scales
        .slice(0, firstBlock, Math.ceilDiv(end, size))
        .repeat(0, size)
        .slice(0, begin - firstBlock * size, end - firstBlock * size);
  }

  /**
   * Writes rows from {@code first} on into float32 {@code out} [count, columns].
   *
   * @param codes int8 [rows·columns]
   * @param scales float32 [rows]
   */
  static void bytes(Device device, Tensor codes, Tensor scales, int first, Tensor out) {
    long count = out.size(0);
    long columns = out.size(1);
    try (LibTorch torch = open(device)) {
      TorchValue rows = torch.view(codes).slice(0, first * columns, (first + count) * columns);
      TorchValue ofRows = torch.view(scales).slice(0, first, first + count).reshape(-1, 1);
      rows.reshape(count, columns).mul(ofRows).mul(Int8Kernel.PART).copyTo(out);
    }
  }
}
