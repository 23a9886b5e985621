package dev.lorikeet.kernel;

import dev.lorikeet.kernel.CudaFourBit.Factors;
import dev.lorikeet.torch.KernelArgument;
import dev.lorikeet.torch.Tensor;
import java.util.List;
import java.util.Optional;

/** A matrix in 4 bits, whose products never write its numbers down where kernels start. */
final class FourBitMatrix extends DeviceMatrix {
  /** As the device's other products. */
  private static final Factors FACTORS = Factors.FLOAT32;

  private final CudaFourBit.Weight weight;
  private final Optional<CudaFourBit> fused;

  FourBitMatrix(Place place, CudaFourBit.Weight weight) {
    super(place, weight.rows(), weight.columns());
    this.weight = weight;
    fused = launcher().map(launcher -> new CudaFourBit(launcher, weight));
  }

  @Override
  public void readRows(int first, Tensor out) {
    out.requireShape(out.size(0), columns());
    if (fused.isPresent()) {
      fused.get().dequantize(first, out);
    } else {
      TorchDequantizer.fourBit(device(), weight, first, out);
    }
  }

  @Override
  public void timesTransposed(float alpha, Tensor x, float beta, Tensor y) {
    if (fused.isPresent()) {
      fused.get().timesTransposed(alpha, x, beta, y, FACTORS);
    } else {
      super.timesTransposed(alpha, x, beta, y);
    }
  }

  @Override
  public void times(float alpha, Tensor y, float beta, Tensor x) {
    if (fused.isPresent()) {
      fused.get().times(alpha, y, beta, x, FACTORS);
    } else {
      super.times(alpha, y, beta, x);
    }
  }

  @Override
  String form() {
    return "4bit";
  }

  @Override
  List<KernelArgument> arguments() {
    return List.of(fused.orElseThrow().argument());
  }
}
