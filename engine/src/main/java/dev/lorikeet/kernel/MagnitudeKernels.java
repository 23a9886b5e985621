package dev.lorikeet.kernel;

import dev.lorikeet.torch.KernelLauncher;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.torch.TorchDevice;
import java.util.Optional;

/**
 * What weight decomposition needs beside products on a device whose memory the host does not see:
 * the lengths of the rows of W + s·BA, the factors c = m / length, and the gradient of the
 * magnitudes m with the lengths as constants. All vectors are float32 [rows].
 *
 * @see <a href="https://arxiv.org/abs/2402.09353">Liu et al. 2024, sections 4.1 and 4.3</a>
 */
public interface MagnitudeKernels {
  /** Below this factor, z cannot be had from y = c·z + bias; such rows multiply W again. */
  float SMALLEST_FACTOR = 1f / 64;

  /** Elements of W that are float32 at a time. */
  int TILE_ELEMENTS = 1 << 22;

  /**
   * W + s·BA.
   *
   * @param weight W [rows, columns]
   * @param a A [rank, columns]
   * @param b B [rows, rank]
   * @param scale s
   */
  record Decomposed(DeviceMatrix weight, Tensor a, Tensor b, float scale) {
    int rank() {
      return Math.toIntExact(a.size(0));
    }
  }

  /** Kernels where they start on {@code device}, and formulas of libtorch otherwise. */
  static MagnitudeKernels of(TorchDevice device) {
    Optional<KernelLauncher> launcher = device.launcher();
    return launcher.isPresent() ? new CudaMagnitudes(launcher.get()) : new TorchMagnitudes(device);
  }

  /** Rows {@code first …} of a matrix as float32. */
  @FunctionalInterface
  interface Tile {
    /** Takes rows, which are gone afterwards. */
    void use(int first, Tensor rows);
  }

  /** Gives all of {@code weight}, tile after tile. */
  static void inTiles(DeviceMatrix weight, Tile use) {
    int height = Math.clamp(TILE_ELEMENTS / weight.columns(), 1, weight.rows());
    for (int first = 0; first < weight.rows(); first += height) {
      int count = Math.min(height, weight.rows() - first);
      try (Tensor tile = weight.device().floats(count, weight.columns())) {
        weight.readRows(first, tile);
        use.use(first, tile);
      }
    }
  }

  /** squares[i] = Σⱼ Wᵢⱼ², summed in double and rounded once. Reads all of W; ask once a load. */
  default void rowSquares(DeviceMatrix weight, Tensor squares) {
    inTiles(
        weight,
        (first, rows) -> {
          try (Tensor some = squares.rows(first, rows.size(0))) {
            squaresOf(rows, some);
          }
        });
  }

  /** The same of float32 {@code rows} [n, columns]. */
  void squaresOf(Tensor rows, Tensor squares);

  /**
   * norms[i] = ‖Wᵢ + s·(BA)ᵢ‖₂, right to about 2⁻²² of itself.
   *
   * @param squares those of W's rows
   */
  void rowNorms(Decomposed decomposed, Tensor squares, Tensor norms);

  /**
   * factor = m / norm, 1 for a row without norm; shift = (1 − factor)·bias, which added to
   * factor⊙(z + bias) leaves the bias unscaled.
   */
  void factors(Tensor magnitude, Tensor norms, Tensor bias, Tensor factor, Tensor shift);

  /** less = factor − 1; shift = −less·bias, which added to less⊙(z + bias) leaves no bias. */
  void lessOne(Tensor factor, Tensor bias, Tensor less, Tensor shift);

  /** What the rows of z were multiplied with before the sums of their gradients were taken. */
  enum Sums {
    /** With nothing: Σₜ dy⊙z. */
    OF_INNER,
    /** With the factor: Σₜ dy⊙(c⊙z). Rows whose factor is too small are left out. */
    OF_OUTPUT
  }

  /** gradient += Σₜ dy⊙z / norm but for rows without a norm. */
  void addGradient(Sums form, Tensor sums, Tensor factor, Tensor norms, Tensor gradient);

  /**
   * What a step knows of a map.
   *
   * @param x input [T, columns]
   * @param u x·Aᵀ [T, rank]
   * @param dy gradient of the output [T, rows]
   */
  record Batch(Tensor x, Tensor u, Tensor dy) {}

  /**
   * gradient += Σₜ dy⊙z / norm with z = x·Wᵀ + s·u·Bᵀ, of those rows only that have a norm and that
   * {@link Sums#OF_OUTPUT} leaves out.
   */
  void addGradientOfWeakRows(
      Decomposed decomposed, Tensor factor, Tensor norms, Batch batch, Tensor gradient);
}
