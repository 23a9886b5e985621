package dev.lorikeet.kernel;

import static dev.lorikeet.torch.KernelArgument.arg;

import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.KernelArgument;
import dev.lorikeet.torch.KernelLauncher;
import dev.lorikeet.torch.KernelLauncher.Grid;
import dev.lorikeet.torch.Tensor;

/** Starts kernels with the grids that they are written for. Nothing is started for nothing. */
final class CudaGrids {
  /** Elements whose sum of squares one block takes: PIECE in common.cuh. */
  static final int PIECE = 4096;

  private static final int THREADS = 256;

  /** Rows of a vocabulary are long. */
  private static final int LONG_ROW_THREADS = 512;

  private static final int LONG_ROW = 8192;

  /** Columns of a block and the threads that share each of them: STRANDS in common.cuh. */
  private static final int COLUMNS = 32;

  private static final int STRANDS = 16;

  /** Kernels of elements go on with the next ones when the grid is over. */
  private static final int MOST_BLOCKS = 1 << 16;

  private final KernelLauncher launcher;

  CudaGrids(KernelLauncher launcher) {
    this.launcher = launcher;
  }

  KernelLauncher launcher() {
    return launcher;
  }

  /** A thread an element. */
  void elements(String kernel, long count, KernelArgument... arguments) {
    long blocks = Math.min(Math.ceilDiv(count, THREADS), MOST_BLOCKS);
    start(kernel, blocks, THREADS, arguments);
  }

  /** A block a row. */
  void rows(String kernel, long rows, long width, KernelArgument... arguments) {
    start(kernel, rows, width >= LONG_ROW ? LONG_ROW_THREADS : THREADS, arguments);
  }

  /** A block for {@code size} elements, and as many threads. */
  void blocks(String kernel, long count, int size, KernelArgument... arguments) {
    start(kernel, Math.ceilDiv(count, size), size, arguments);
  }

  /** A block for {@value #PIECE} elements. */
  void pieces(String kernel, long count, KernelArgument... arguments) {
    start(kernel, Math.ceilDiv(count, PIECE), THREADS, arguments);
  }

  /** Sums over rows. */
  void columns(String kernel, long width, KernelArgument... arguments) {
    start(kernel, Math.ceilDiv(width, COLUMNS), COLUMNS * STRANDS, arguments);
  }

  /** total (= or +=) the sum of doubles. */
  void total(Tensor parts, Tensor total, Kernels.Into into) {
    int count = Math.toIntExact(parts.bytes() / Double.BYTES);
    start("total", 1, THREADS, arg(parts), arg(total), arg(count), arg(adds(into)));
  }

  /** Memory for doubles; what is freed after a launch is used again only by later launches. */
  static Tensor doubles(Device device, long count) {
    return device.empty(DType.UINT8, Double.BYTES * count);
  }

  static int adds(Kernels.Into into) {
    return into == Kernels.Into.ADD ? 1 : 0;
  }

  private void start(String kernel, long blocks, int threads, KernelArgument... arguments) {
    if (blocks > 0) {
      launcher.launch(kernel, Grid.of(blocks, threads), arguments);
    }
  }
}
