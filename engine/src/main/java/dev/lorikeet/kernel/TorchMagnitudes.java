package dev.lorikeet.kernel;

import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Device.Transpose;
import dev.lorikeet.torch.LibTorch;
import dev.lorikeet.torch.LibTorch.Gradients;
import dev.lorikeet.torch.LibTorch.Precision;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.torch.TorchValue;

/**
 * The plain formulas in libtorch's operations: every row of W + s·BA is formed in double, and what
 * weak rows need is computed for all rows.
 */
final class TorchMagnitudes implements MagnitudeKernels {
  /** 1 / {@link MagnitudeKernels#SMALLEST_FACTOR}², a power of two. */
  private static final double WEAK = 1.0 / (SMALLEST_FACTOR * SMALLEST_FACTOR);

  private final Device device;

  TorchMagnitudes(Device device) {
    this.device = device;
  }

  private LibTorch open() {
    return LibTorch.open(Precision.FLOAT32, Gradients.OFF, device);
  }

  @Override
  public void squaresOf(Tensor rows, Tensor squares) {
    try (LibTorch torch = open()) {
      torch.view(rows).inDouble().square().sum(1).copyTo(squares);
    }
  }

  @Override
  public void rowNorms(Decomposed decomposed, Tensor squares, Tensor norms) {
    MagnitudeKernels.inTiles(
        decomposed.weight(),
        (first, rows) -> {
          try (Tensor some = norms.rows(first, rows.size(0));
              Tensor b = decomposed.b().rows(first, rows.size(0));
              LibTorch torch = open()) {
            TorchValue a = torch.view(decomposed.a()).inDouble();
            TorchValue update = torch.view(b).inDouble().matmul(a).mul(decomposed.scale());
            torch.view(rows).inDouble().add(update).square().sum(1).sqrt().copyTo(some);
          }
        });
  }

  /** 1 for a row with a norm, 0 for another one. */
  private static TorchValue present(TorchValue norms) {
    return norms.sign();
  }

  /** The norm, or 1 where there is none. */
  private static TorchValue divisor(TorchValue norms) {
    return norms.add(absent(norms));
  }

  private static TorchValue absent(TorchValue norms) {
    return present(norms).mul(-1).add(1);
  }

  @Override
  public void factors(Tensor magnitude, Tensor norms, Tensor bias, Tensor factor, Tensor shift) {
    try (LibTorch torch = open()) {
      TorchValue n = torch.view(norms);
      TorchValue c = torch.view(magnitude).mul(present(n)).div(divisor(n)).add(absent(n));
      c.mul(-1).add(1).mul(torch.view(bias)).copyTo(shift);
      c.copyTo(factor);
    }
  }

  @Override
  public void lessOne(Tensor factor, Tensor bias, Tensor less, Tensor shift) {
    try (LibTorch torch = open()) {
      TorchValue l = torch.view(factor).add(-1);
      l.mul(-1).mul(torch.view(bias)).copyTo(shift);
      l.copyTo(less);
    }
  }

  /** 1 for a row whose factor is large enough to divide by. */
  private static TorchValue strong(TorchValue factor) {
    return factor.square().mul(WEAK).atLeast(1);
  }

  @Override
  public void addGradient(Sums form, Tensor sums, Tensor factor, Tensor norms, Tensor gradient) {
    try (LibTorch torch = open()) {
      TorchValue n = torch.view(norms);
      TorchValue c = torch.view(factor);
      TorchValue added = torch.view(sums).mul(present(n)).div(divisor(n));
      if (form == Sums.OF_OUTPUT) {
        TorchValue strong = strong(c);
        // c where it is large enough, and 1 where the sum is left out.
        added = added.mul(strong).div(c.mul(strong).add(strong.mul(-1).add(1)));
      }
      torch.view(gradient).add(added).copyTo(gradient);
    }
  }

  @Override
  public void addGradientOfWeakRows(
      Decomposed decomposed, Tensor factor, Tensor norms, Batch batch, Tensor gradient) {
    try (Tensor z = batch.dy().emptyLike()) {
      decomposed.weight().timesTransposed(1f, batch.x(), 0f, z);
      device.gemm(
          Transpose.NO, Transpose.YES, decomposed.scale(), batch.u(), decomposed.b(), 1f, z);
      try (LibTorch torch = open()) {
        TorchValue n = torch.view(norms);
        TorchValue weak = strong(torch.view(factor)).mul(-1).add(1).mul(present(n));
        TorchValue sums =
            torch.view(batch.dy()).inDouble().mul(torch.view(z).inDouble()).sum(0).reshape(-1);
        TorchValue added = sums.mul(weak).div(divisor(n));
        torch.view(gradient).add(added).copyTo(gradient);
      }
    }
  }
}
