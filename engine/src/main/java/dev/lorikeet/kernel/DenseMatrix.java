package dev.lorikeet.kernel;

import dev.lorikeet.torch.KernelArgument;
import dev.lorikeet.torch.Tensor;
import java.util.List;
import java.util.Locale;

/** A matrix of floating-point numbers. */
final class DenseMatrix extends DeviceMatrix {
  private final Tensor weight;

  DenseMatrix(Place place, Tensor weight) {
    super(place, Math.toIntExact(weight.size(0)), Math.toIntExact(weight.size(1)));
    this.weight = weight;
  }

  @Override
  public void readRows(int first, Tensor out) {
    try (Tensor rows = weight.rows(first, out.size(0))) {
      out.copyFrom(rows);
    }
  }

  /** Products read every floating-point format. */
  @Override
  Tensor floats() {
    return weight.retain();
  }

  @Override
  String form() {
    return weight.dtype().name().toLowerCase(Locale.ROOT);
  }

  @Override
  List<KernelArgument> arguments() {
    return List.of(KernelArgument.arg(weight));
  }
}
