package dev.lorikeet.kernel;

import dev.lorikeet.kernel.CudaFourBit.Factors;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.KernelArgument;
import dev.lorikeet.torch.Tensor;
import java.util.List;
import java.util.Optional;

/** A matrix in 4 bits, whose products never write its numbers down where kernels start. */
final class FourBitMatrix extends DeviceMatrix {
  private final Factors factors;
  private final CudaFourBit.Weight weight;
  private final Optional<CudaFourBit> fused;

  FourBitMatrix(Place place, CudaFourBit.Weight weight) {
    super(place, weight.rows(), weight.columns());
    this.weight = weight;
    factors = factors(device().computeFormat());
    fused = launcher().map(launcher -> new CudaFourBit(launcher, weight));
  }

  /** As the device's other products read their operands. */
  private static Factors factors(DType compute) {
    return switch (compute) {
      case BFLOAT16 -> Factors.BFLOAT16;
      case FLOAT16 -> Factors.FLOAT16;
      default -> Factors.FLOAT32;
    };
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
      fused.get().timesTransposed(alpha, x, beta, y, factors);
    } else {
      super.timesTransposed(alpha, x, beta, y);
    }
  }

  @Override
  public void times(float alpha, Tensor y, float beta, Tensor x) {
    if (fused.isPresent()) {
      fused.get().times(alpha, y, beta, x, factors);
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
