package dev.lorikeet.torch;

/** The shape-only device, for tests that watch what is asked of it. */
abstract class WatchedShapes extends Device {
  private final Device shapes;

  /** Stands for a device of {@code threads} workers. */
  WatchedShapes(int threads) {
    shapes = new ShapeDevice(threads);
  }

  @Override
  public String name() {
    return shapes.name();
  }

  @Override
  public boolean hasHostMemory() {
    return shapes.hasHostMemory();
  }

  @Override
  public int threads() {
    return shapes.threads();
  }

  @Override
  public void forRange(int count, int grain, RangeTask task) {
    shapes.forRange(count, grain, task);
  }

  @Override
  final void multiply(
      Transpose transposeA,
      Transpose transposeB,
      float alpha,
      Tensor a,
      Tensor b,
      float beta,
      Tensor c) {
    product();
    shapes.multiply(transposeA, transposeB, alpha, a, b, beta, c);
  }

  /** A matrix product of float32 is asked for. */
  abstract void product();

  @Override
  long allocate(long bytes) {
    return shapes.allocate(bytes);
  }

  @Override
  void release(long address, long bytes) {
    shapes.release(address, bytes);
  }

  @Override
  float[] readFloats(Tensor tensor) {
    return shapes.readFloats(tensor);
  }

  @Override
  public void close() {
    shapes.close();
  }
}
