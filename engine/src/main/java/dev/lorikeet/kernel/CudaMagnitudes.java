package dev.lorikeet.kernel;

import static dev.lorikeet.torch.KernelArgument.arg;

import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Device.Transpose;
import dev.lorikeet.torch.KernelArgument;
import dev.lorikeet.torch.KernelLauncher;
import dev.lorikeet.torch.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * The kernels of magnitudes.cu. Norms come without forming BA or W + s·BA:
 *
 * <p>‖Wᵢ‖² + 2s·Bᵢ·(A·Wᵢᵀ) + s²·Bᵢ·(A·Aᵀ)·Bᵢᵀ.
 *
 * <p>Where the terms cancel, their rounding would be all that is left; such rows are marked and
 * then added up entry by entry. So are the gradients of rows with small factors: a second kernel
 * looks at all rows and works on those only, and nothing waits for the GPU to count them.
 */
final class CudaMagnitudes implements MagnitudeKernels {
  private static final KernelArgument NOTHING = new KernelArgument.Address(0);

  private final CudaGrids grids;

  CudaMagnitudes(KernelLauncher launcher) {
    grids = new CudaGrids(launcher);
  }

  @Override
  public void squaresOf(Tensor rows, Tensor squares) {
    grids.rows(
        "row_squares", rows.size(0), rows.size(1), arg(rows), arg(squares), arg(columns(rows)));
  }

  @Override
  public void rowNorms(Decomposed decomposed, Tensor squares, Tensor norms) {
    DeviceMatrix weight = decomposed.weight();
    Tensor a = decomposed.a();
    Tensor b = decomposed.b();
    Device device = a.device();
    int rank = decomposed.rank();
    try (Tensor cross = device.floats(rank, weight.rows());
        Tensor own = device.floats(weight.rows(), rank);
        Tensor gram = device.floats(rank, rank)) {
      weight.timesTransposed(1f, a, 0f, cross);
      device.gemm(Transpose.NO, Transpose.YES, 1f, a, a, 0f, gram);
      device.gemm(Transpose.NO, Transpose.NO, 1f, b, gram, 0f, own);
      marked(decomposed, squares, cross, own, norms);
    }
    addUpMarked(decomposed, norms);
  }

  /**
   * Norms from products; −1 for rows whose terms cancel.
   *
   * @param cross A·Wᵀ [rank, rows]
   * @param own B·A·Aᵀ [rows, rank]
   */
  void marked(Decomposed decomposed, Tensor squares, Tensor cross, Tensor own, Tensor norms) {
    grids.elements(
        "row_norms",
        norms.elements(),
        arg(squares),
        arg(decomposed.b()),
        arg(cross),
        arg(own),
        arg(norms),
        arg(decomposed.weight().rows()),
        arg(decomposed.rank()),
        arg(decomposed.scale()));
  }

  /** Norms of the rows that {@link #marked} has marked. */
  void addUpMarked(Decomposed decomposed, Tensor norms) {
    DeviceMatrix weight = decomposed.weight();
    ofForm(
        "cancelled_norms_",
        weight,
        arg(decomposed.a()),
        arg(decomposed.b()),
        arg(norms),
        arg(weight.columns()),
        arg(decomposed.rank()),
        arg(decomposed.scale()));
  }

  @Override
  public void factors(Tensor magnitude, Tensor norms, Tensor bias, Tensor factor, Tensor shift) {
    long rows = factor.elements();
    grids.elements(
        "row_factors",
        rows,
        arg(magnitude),
        arg(norms),
        arg(bias),
        arg(factor),
        arg(shift),
        arg(rows));
  }

  @Override
  public void lessOne(Tensor factor, Tensor bias, Tensor less, Tensor shift) {
    long rows = factor.elements();
    grids.elements(
        "row_factors_less_one", rows, arg(factor), arg(bias), arg(less), arg(shift), arg(rows));
  }

  @Override
  public void addGradient(Sums form, Tensor sums, Tensor factor, Tensor norms, Tensor gradient) {
    long rows = gradient.elements();
    grids.elements(
        "add_magnitude_gradient",
        rows,
        arg(sums),
        form == Sums.OF_OUTPUT ? arg(factor) : NOTHING,
        arg(norms),
        arg(gradient),
        arg(rows));
  }

  @Override
  public void addGradientOfWeakRows(
      Decomposed decomposed, Tensor factor, Tensor norms, Batch batch, Tensor gradient) {
    DeviceMatrix weight = decomposed.weight();
    ofForm(
        "weak_gradients_",
        weight,
        arg(factor),
        arg(norms),
        arg(decomposed.b()),
        arg(batch.x()),
        arg(batch.u()),
        arg(batch.dy()),
        arg(gradient),
        arg(Math.toIntExact(batch.dy().size(0))),
        arg(weight.rows()),
        arg(weight.columns()),
        arg(decomposed.rank()),
        arg(decomposed.scale()));
  }

  /** A block a row of a kernel that reads single elements of W. */
  private void ofForm(String kernel, DeviceMatrix weight, KernelArgument... further) {
    List<KernelArgument> arguments = new ArrayList<>(weight.arguments());
    arguments.addAll(List.of(further));
    grids.rows(
        kernel + weight.form(),
        weight.rows(),
        weight.columns(),
        arguments.toArray(KernelArgument[]::new));
  }

  private static int columns(Tensor matrix) {
    return Math.toIntExact(matrix.size(1));
  }
}
