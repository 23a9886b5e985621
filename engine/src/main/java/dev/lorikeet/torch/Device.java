package dev.lorikeet.torch;

import java.lang.foreign.MemorySegment;

/**
 * Where tensors live and products are computed. One instance owns its memory books and, on the CPU,
 * its worker threads; close it when the run is over.
 */
public abstract class Device implements AutoCloseable {
  private final MemoryLedger memory = new MemoryLedger();

  /** Which operand of a product is read as its transpose. */
  public enum Transpose {
    NO,
    YES
  }

  /** A range of rows or tasks that one worker does. */
  @FunctionalInterface
  public interface RangeTask {
    /** Does the work of {@code from … to − 1}. */
    void run(int from, int to);
  }

  /** A device that has shapes and counts bytes, and no memory: for planning. */
  public static Device shapeOnly() {
    return shapeOnly(1);
  }

  /** The same, standing for a device of {@code threads} workers, each with scratch memory. */
  public static Device shapeOnly(int threads) {
    return new ShapeDevice(threads);
  }

  /**
   * The CPU.
   *
   * @param threads worker threads, at least 1; the split of work, and so the rounding of results,
   *     depends on it
   */
  public static CpuDevice cpu(int threads) {
    return new CpuDevice(threads);
  }

  /** Name in recipes and records: {@code cpu}, {@code cuda:0}, {@code shapes}. */
  public abstract String name();

  /** Whether the host reads and writes elements where they lie: {@link Tensor#segment()} works. */
  public abstract boolean hasHostMemory();

  /** Whether tensors have elements, here or elsewhere; without, a device has shapes only. */
  public boolean holdsValues() {
    return hasHostMemory();
  }

  /** Whether elements lie where the host does not see them, so that kernels compute everything. */
  public final boolean hasOwnMemory() {
    return holdsValues() && !hasHostMemory();
  }

  /**
   * Where the host computes what this device cannot: here if it sees the memory, or if there is
   * none. It is closed with this device.
   */
  public Device host() {
    return this;
  }

  /**
   * Whether code of the host has elements to work on: not on a device of shapes.
   *
   * @throws IllegalStateException if there are elements that the host cannot reach
   */
  public final boolean isForHostCode() {
    if (hasOwnMemory()) {
      throw new IllegalStateException("the host cannot compute in the memory of " + this);
    }
    return hasHostMemory();
  }

  /** Number format that products read their operands in; they add up in float32 in any case. */
  public DType computeFormat() {
    return DType.FLOAT32;
  }

  /** Number of worker threads that share one operation. */
  public abstract int threads();

  /** Runs {@code task} over {@code 0 … count − 1} in fixed ranges, one a worker, and waits. */
  public abstract void forRange(int count, int grain, RangeTask task);

  /**
   * C = alpha · op(A) · op(B) + beta · C for row-major matrices, float32 but perhaps B.
   *
   * @param a [M, K], or [K, M] if {@code transposeA}
   * @param b [K, N], or [N, K] if {@code transposeB}; may have two bytes an element if A is not
   *     transposed, and is then read as float32 in tiles
   * @param c [M, N]
   */
  public final void gemm(
      Transpose transposeA,
      Transpose transposeB,
      float alpha,
      Tensor a,
      Tensor b,
      float beta,
      Tensor c) {
    Gemm.requireShapes(transposeA, transposeB, a, b, c);
    if (b.dtype().isHalf()) {
      multiplyHalf(transposeB, alpha, a, b, beta, c);
    } else {
      multiply(transposeA, transposeB, alpha, a, b, beta, c);
    }
  }

  void multiplyHalf(Transpose transposeB, float alpha, Tensor a, Tensor b, float beta, Tensor c) {
    if (transposeB == Transpose.YES) {
      TiledMatrix.of(b).timesTransposed(alpha, a, beta, c);
    } else {
      TiledMatrix.of(b).times(alpha, a, beta, c);
    }
  }

  abstract void multiply(
      Transpose transposeA,
      Transpose transposeB,
      float alpha,
      Tensor a,
      Tensor b,
      float beta,
      Tensor c);

  /**
   * The largest part of the singular value decomposition W = U·diag(σ)·Vᵀ: the same bytes for the
   * same matrix, whatever the number of threads. Nothing without memory.
   *
   * @param matrix W, float32 [m, n]
   * @param left the first r columns of U, [m, r]
   * @param values all σ, descending, [min(m, n)]
   * @param right the first r rows of Vᵀ, [r, n]
   * @throws ArithmeticException if W holds values that are not numbers
   */
  public void singularVectors(Tensor matrix, Tensor left, Tensor values, Tensor right) {
    if (holdsValues()) {
      throw new IllegalStateException(this + " cannot decompose " + matrix);
    }
  }

  abstract long allocate(long bytes);

  abstract void release(long address, long bytes);

  abstract float[] readFloats(Tensor tensor);

  /** Copies {@code elements} of the host, as many bytes as {@code target} has, into it. */
  void upload(MemorySegment elements, Tensor target) {
    if (hasHostMemory()) {
      target.segment().copyFrom(elements);
    }
  }

  /** Copies bytes of {@code source} from {@code firstByte} on to the host, as many as it takes. */
  void download(Tensor source, long firstByte, MemorySegment into) {
    if (hasHostMemory()) {
      into.copyFrom(source.segment().asSlice(firstByte, into.byteSize()));
    }
  }

  /** Copies elements of one type and number. */
  void copy(Tensor source, Tensor target) {
    if (hasHostMemory()) {
      target.segment().copyFrom(source.segment());
    }
  }

  /** Widens elements of two bytes to float32, or rounds the other way. */
  void convert(Tensor source, Tensor target) {
    if (hasHostMemory()) {
      HalfFloats.convert(this, source, target);
    }
  }

  void zero(Tensor target) {
    if (hasHostMemory()) {
      target.segment().fill((byte) 0);
    }
  }

  /** A new tensor whose elements are undefined; the caller owns it. */
  public final Tensor empty(DType dtype, long... shape) {
    long bytes = Math.multiplyExact(Tensor.elements(shape), dtype.bytes());
    long address = allocate(bytes);
    memory.allocated(bytes);
    return new Tensor(new Storage(this, bytes, address), 0, dtype, shape.clone());
  }

  /** A new float32 tensor whose elements are undefined. */
  public final Tensor floats(long... shape) {
    return empty(DType.FLOAT32, shape);
  }

  /** A new float32 tensor of zeros. */
  public final Tensor zeros(long... shape) {
    return floats(shape).zero();
  }

  /** A new int32 tensor with a copy of {@code values}. */
  public final Tensor ints(int[] values) {
    Tensor tensor = empty(DType.INT32, values.length);
    upload(MemorySegment.ofArray(values), tensor);
    return tensor;
  }

  /** Bytes of its memory that tensors can still have. */
  public long availableBytes() {
    return HostMemory.availableBytes();
  }

  /** What {@code failure} of an operation here means to a user; itself, if to none. */
  public RuntimeException explained(RuntimeException failure) {
    return failure;
  }

  /** Waits for all work that was begun. */
  public void finish() {
    // Operations of most devices have ended when they return.
  }

  /** The books of this device's tensors. */
  public final MemoryLedger memory() {
    return memory;
  }

  /** What is told of the device's memory as the most that was in use. */
  public PeakMemory peakMemory() {
    return PeakMemory.of(memory);
  }

  final void free(long address, long bytes) {
    memory.freed(bytes);
    release(address, bytes);
  }

  @Override
  public abstract void close();

  @Override
  public String toString() {
    return name();
  }
}
