package dev.lorikeet.kernel;

import dev.lorikeet.torch.KernelArgument;
import dev.lorikeet.torch.Tensor;
import java.util.List;

/** A matrix of signed bytes with a scale for every row. */
final class ByteMatrix extends DeviceMatrix {
  private final Tensor codes;
  private final Tensor scales;

  ByteMatrix(Place place, Tensor codes, Tensor scales) {
    super(
        place,
        Math.toIntExact(scales.elements()),
        Math.toIntExact(codes.elements() / scales.elements()));
    this.codes = codes;
    this.scales = scales;
  }

  @Override
  public void readRows(int first, Tensor out) {
    out.requireShape(out.size(0), columns());
    if (launcher().isPresent()) {
      CudaFourBit.dequantizeBytes(launcher().get(), codes, scales, first, out);
    } else {
      TorchDequantizer.bytes(device(), codes, scales, first, out);
    }
  }

  @Override
  String form() {
    return "int8";
  }

  @Override
  List<KernelArgument> arguments() {
    return List.of(KernelArgument.arg(codes), KernelArgument.arg(scales));
  }
}
