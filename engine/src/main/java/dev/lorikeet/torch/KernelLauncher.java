package dev.lorikeet.torch;

import java.lang.foreign.MemorySegment;

/**
 * What starts kernels of a GPU by name. Kernels run one behind the other in the order of their
 * launches, beside the caller; {@link #read} waits for all of them.
 */
public interface KernelLauncher extends AutoCloseable {

  /** Most blocks in the second dimension of a grid. */
  int MOST_ROWS = 65_535;

  /**
   * The threads of a launch. Kernels declare their shared memory themselves.
   *
   * @param blocks blocks in the first dimension, at least 1
   * @param rows blocks in the second dimension, 1 to {@value #MOST_ROWS}
   * @param threads threads of a block, a multiple of 32 of at most 1024
   */
  record Grid(int blocks, int rows, int threads) {
    public Grid {
      if (blocks < 1 || rows < 1 || rows > MOST_ROWS) {
        throw new IllegalStateException("a grid of " + blocks + " x " + rows + " blocks");
      }
      if (threads < 32 || threads > 1024 || threads % 32 != 0) {
        throw new IllegalStateException("blocks of " + threads + " threads");
      }
    }

    /** Blocks in one dimension. */
    public static Grid of(long blocks, int threads) {
      return new Grid(Math.toIntExact(blocks), 1, threads);
    }
  }

  /**
   * Starts a kernel.
   *
   * @param arguments one for each parameter of the kernel, in order and of its type
   * @throws dev.lorikeet.error.RunException if the GPU refuses
   */
  void launch(String kernel, Grid grid, KernelArgument... arguments);

  /** Waits for every kernel before and copies memory of the GPU to the host. */
  void read(long address, MemorySegment into);

  /** Bytes of the GPU's memory that no process has. */
  long freeBytes();

  /** What the GPU can do: ten times its compute capability, as in 75, 80, 90. */
  int architecture();

  @Override
  void close();
}
