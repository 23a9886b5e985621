package dev.lorikeet.torch;

/** Shapes without memory: every allocation is counted, every computation is left out. */
final class ShapeDevice extends Device {
  private final int threads;

  ShapeDevice(int threads) {
    this.threads = threads;
  }

  @Override
  public String name() {
    return "shapes";
  }

  @Override
  public boolean hasHostMemory() {
    return false;
  }

  @Override
  public int threads() {
    return threads;
  }

  @Override
  public void forRange(int count, int grain, RangeTask task) {
    // Work on data has nothing to do here.
  }

  @Override
  void multiply(
      Transpose transposeA,
      Transpose transposeB,
      float alpha,
      Tensor a,
      Tensor b,
      float beta,
      Tensor c) {
    // Shapes were checked, and that is all there is.
  }

  @Override
  long allocate(long bytes) {
    return 0;
  }

  @Override
  void release(long address, long bytes) {
    // There is no memory to give back.
  }

  @Override
  float[] readFloats(Tensor tensor) {
    return new float[Math.toIntExact(tensor.elements())];
  }

  @Override
  public void close() {
    // Nothing is held.
  }
}
