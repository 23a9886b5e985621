package dev.lorikeet.torch;

import dev.lorikeet.format.Floats;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * A dense, row-major array in the memory of one {@link Device}.
 *
 * <p>Memory is counted by references and freed at a known moment: whoever creates a tensor holds
 * one reference and gives it back with {@link #close()}; {@link #retain()} takes another one. Views
 * ({@link #rows}, {@link #reshape}) share the memory and hold a reference of their own. Reference
 * counts are not synchronised: a tensor belongs to one thread, which may lend its memory to others.
 */
public final class Tensor implements AutoCloseable {
  private final Storage storage;
  private final long offsetBytes;
  private final DType dtype;
  private final long[] shape;

  Tensor(Storage storage, long offsetBytes, DType dtype, long[] shape) {
    this.storage = storage;
    this.offsetBytes = offsetBytes;
    this.dtype = dtype;
    this.shape = shape;
  }

  public Device device() {
    return storage.device();
  }

  public DType dtype() {
    return dtype;
  }

  /** Number of dimensions. */
  public int rank() {
    return shape.length;
  }

  /** Length of dimension {@code dim}; negative numbers count from the last. */
  public long size(int dim) {
    return shape[dim < 0 ? shape.length + dim : dim];
  }

  /** A copy of the shape. */
  public long[] shape() {
    return shape.clone();
  }

  /** Number of elements. */
  public long elements() {
    return elements(shape);
  }

  /** Bytes of the elements. */
  public long bytes() {
    return elements() * dtype.bytes();
  }

  /** Whether this reference is the only one to the memory: then it may be changed in place. */
  public boolean isUnshared() {
    return storage.references() == 1;
  }

  /** Takes another reference: the memory lives until one more {@link #close()}. */
  public Tensor retain() {
    storage.retain();
    return this;
  }

  /** Gives back one reference; the memory is freed with the last one. */
  @Override
  public void close() {
    storage.release();
  }

  /** View of the rows {@code from … from + count − 1} of the first dimension; close it too. */
  public Tensor rows(long from, long count) {
    if (from < 0 || count < 0 || from + count > shape[0]) {
      throw new IllegalStateException(
          "rows " + from + " to " + (from + count) + " of a tensor " + Arrays.toString(shape));
    }
    long[] viewShape = shape.clone();
    viewShape[0] = count;
    long rowBytes = shape[0] == 0 ? 0 : bytes() / shape[0];
    storage.retain();
    return new Tensor(storage, offsetBytes + from * rowBytes, dtype, viewShape);
  }

  /** View of the same elements under another shape; close it too. */
  public Tensor reshape(long... newShape) {
    if (elements(newShape) != elements()) {
      throw new IllegalStateException(
          Arrays.toString(shape) + " cannot be seen as " + Arrays.toString(newShape));
    }
    storage.retain();
    return new Tensor(storage, offsetBytes, dtype, newShape.clone());
  }

  /** View of bytes, from {@code firstByte} on, as elements of another type; close it too. */
  public Tensor view(DType type, long firstByte, long... viewShape) {
    long end = firstByte + Math.multiplyExact(elements(viewShape), type.bytes());
    if (firstByte < 0 || firstByte % type.bytes() != 0 || end > bytes()) {
      throw new IllegalStateException(
          "bytes " + firstByte + " to " + end + " of " + this + " as " + type);
    }
    storage.retain();
    return new Tensor(storage, offsetBytes + firstByte, type, viewShape.clone());
  }

  /** Host memory of the elements, on devices that have it; valid until the memory is freed. */
  public MemorySegment segment() {
    if (!device().hasHostMemory()) {
      throw new IllegalStateException("a tensor on " + device() + " has no host memory");
    }
    return MemorySegment.ofAddress(address()).reinterpret(bytes());
  }

  /**
   * The elements, as bytes, for the host to read: where they lie if the host sees them, otherwise a
   * copy in {@code arena}. On a device without memory they are all zeros.
   */
  public MemorySegment onHost(Arena arena) {
    if (device().hasHostMemory()) {
      return segment();
    }
    MemorySegment copy = arena.allocate(bytes(), Long.BYTES);
    copyTo(copy);
    return copy;
  }

  /**
   * Lets the host write all elements, as bytes: where they lie if the host sees them, otherwise in
   * memory of its own, from which they are copied. On a device without memory nobody writes.
   */
  public Tensor fill(Consumer<MemorySegment> writer) {
    if (device().hasHostMemory()) {
      storage.written();
      writer.accept(segment());
    } else if (device().holdsValues()) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment elements = arena.allocate(bytes(), Long.BYTES);
        writer.accept(elements);
        copyFrom(elements);
      }
    }
    return this;
  }

  /** The same elements on {@code other}: this very tensor, held once more, or a copy. Close it. */
  public Tensor on(Device other) {
    if (other.equals(device())) {
      return retain();
    }
    Tensor copy = other.empty(dtype, shape);
    try (Arena arena = Arena.ofConfined()) {
      return copy.copyFrom(onHost(arena));
    } catch (RuntimeException failure) {
      copy.close();
      throw failure;
    }
  }

  /** Address of the first element in the device's memory, for kernels and BLAS. */
  public long address() {
    if (!device().holdsValues()) {
      throw new IllegalStateException("a tensor on " + device() + " has no memory");
    }
    return storage.address() + offsetBytes;
  }

  /** Copies the elements out as float32. On a device without memory the result is all zeros. */
  public float[] toFloats() {
    try (Tensor floats = asFloats()) {
      return device().readFloats(floats);
    }
  }

  /** Copies elements {@code first … first + count − 1} out as float32. */
  public void read(long first, float[] into, int count) {
    MemorySegment elements = part(first * dtype.bytes(), (long) count * dtype.bytes());
    switch (dtype) {
      case FLOAT32 -> MemorySegment.copy(elements, ValueLayout.JAVA_FLOAT, 0, into, 0, count);
      case BFLOAT16 -> {
        for (int i = 0; i < count; i++) {
          into[i] = Floats.fromBf16(elements.getAtIndex(ValueLayout.JAVA_SHORT, i));
        }
      }
      case FLOAT16 -> {
        for (int i = 0; i < count; i++) {
          into[i] = Floats.fromF16(elements.getAtIndex(ValueLayout.JAVA_SHORT, i));
        }
      }
      case INT32, INT8, UINT8 -> throw new IllegalStateException(this + " holds no real numbers");
    }
  }

  /** Bytes of this tensor on the host: its own memory, or a copy. */
  private MemorySegment part(long firstByte, long count) {
    if (device().hasHostMemory()) {
      return segment().asSlice(firstByte, count);
    }
    // Of longs, so that it is aligned for every type.
    long[] room = new long[Math.toIntExact(Math.ceilDiv(count, Long.BYTES))];
    MemorySegment copy = MemorySegment.ofArray(room).asSlice(0, count);
    device().download(this, firstByte, copy);
    return copy;
  }

  /** Copies the elements, as bytes, out. On a device without memory nothing is written. */
  public void copyTo(MemorySegment into) {
    if (into.byteSize() != bytes()) {
      throw new IllegalStateException(into.byteSize() + " bytes for " + this);
    }
    device().download(this, 0, into);
  }

  /** The elements as float32: this very tensor, held once more, or a wider copy. Close it. */
  public Tensor asFloats() {
    if (dtype.isHalf()) {
      return device().floats(shape).copyFrom(this);
    }
    require(DType.FLOAT32);
    return retain();
  }

  /** Copies {@code values} (as many as there are elements) in. */
  public Tensor copyFrom(float[] values) {
    require(DType.FLOAT32);
    if (values.length != elements()) {
      throw new IllegalStateException(
          values.length + " values for a tensor " + Arrays.toString(shape));
    }
    storage.written();
    device().upload(MemorySegment.ofArray(values), this);
    return this;
  }

  /** Copies elements of this very type, as bytes, in. */
  public Tensor copyFrom(MemorySegment elements) {
    if (elements.byteSize() != bytes()) {
      throw new IllegalStateException(elements.byteSize() + " bytes for " + this);
    }
    storage.written();
    device().upload(elements, this);
    return this;
  }

  /**
   * Copies the elements of a tensor of the same shape and device in. The type is the same, too, or
   * this is float32 and the source narrower, so that nothing is rounded.
   */
  public Tensor copyFrom(Tensor source) {
    if (dtype == DType.FLOAT32 && source.dtype.isHalf()) {
      requireShape(source.shape);
      storage.written();
      device().convert(source, this);
      return this;
    }
    requireSameShape(source);
    storage.written();
    device().copy(source, this);
    return this;
  }

  /**
   * Rounds the elements of a float32 tensor of the same shape and device into this one of two bytes
   * an element: to the nearest, ties to even.
   */
  public Tensor roundFrom(Tensor source) {
    source.require(DType.FLOAT32);
    source.requireShape(shape);
    storage.written();
    device().convert(source, this);
    return this;
  }

  /** Sets every byte to zero. */
  public Tensor zero() {
    storage.written();
    device().zero(this);
    return this;
  }

  /** How often copies and {@link #zero} have changed this memory; kernels do not count. */
  public long writes() {
    return storage.writes();
  }

  /** A new tensor with the same shape, type and device; its elements are undefined. */
  public Tensor emptyLike() {
    return device().empty(dtype, shape);
  }

  /** Refuses a tensor whose shape differs: a defect of the caller. */
  public void requireShape(long... expected) {
    if (!Arrays.equals(shape, expected)) {
      throw new IllegalStateException(
          "tensor " + Arrays.toString(shape) + ", expected " + Arrays.toString(expected));
    }
  }

  void requireSameShape(Tensor other) {
    requireShape(other.shape);
    if (other.dtype != dtype) {
      throw new IllegalStateException("tensor of " + other.dtype + ", expected " + dtype);
    }
  }

  private void require(DType expected) {
    if (dtype != expected) {
      throw new IllegalStateException("tensor of " + dtype + ", expected " + expected);
    }
  }

  static long elements(long[] shape) {
    long count = 1;
    for (long length : shape) {
      count = Math.multiplyExact(count, length);
    }
    return count;
  }

  @Override
  public String toString() {
    return dtype + Arrays.toString(shape) + " on " + device();
  }
}
