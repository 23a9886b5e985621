package dev.lorikeet.torch;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;

/** A value for a parameter of a kernel. */
public sealed interface KernelArgument {

  /** A pointer to memory of the device. */
  record Address(long value) implements KernelArgument {}

  /** An {@code int}. */
  record Int32(int value) implements KernelArgument {}

  /** A {@code long long}. */
  record Int64(long value) implements KernelArgument {}

  /** A {@code float}. */
  record Float32(float value) implements KernelArgument {}

  /** A {@code double}. */
  record Float64(double value) implements KernelArgument {}

  /** A struct by value; the bytes are copied by the launch. */
  record Struct(MemorySegment bytes) implements KernelArgument {}

  /** Where the elements of {@code tensor} begin. */
  static KernelArgument arg(Tensor tensor) {
    return new Address(tensor.address());
  }

  /** A number. */
  static KernelArgument arg(int value) {
    return new Int32(value);
  }

  /** A number. */
  static KernelArgument arg(long value) {
    return new Int64(value);
  }

  /** A number. */
  static KernelArgument arg(float value) {
    return new Float32(value);
  }

  /** A number. */
  static KernelArgument arg(double value) {
    return new Float64(value);
  }

  /** A struct of float32 numbers. */
  static KernelArgument arg(float... values) {
    return new Struct(MemorySegment.ofArray(values.clone()));
  }

  /** How the type is written in a kernel's signature: p, i, l, f, d, or s and a number of bytes. */
  default String signature() {
    return switch (this) {
      case Address _ -> "p";
      case Int32 _ -> "i";
      case Int64 _ -> "l";
      case Float32 _ -> "f";
      case Float64 _ -> "d";
      case Struct struct -> "s" + struct.bytes.byteSize();
    };
  }

  /** A copy of the value in native memory. */
  default MemorySegment place(SegmentAllocator memory) {
    return switch (this) {
      case Address address -> memory.allocateFrom(ValueLayout.JAVA_LONG, address.value);
      case Int32 number -> memory.allocateFrom(ValueLayout.JAVA_INT, number.value);
      case Int64 number -> memory.allocateFrom(ValueLayout.JAVA_LONG, number.value);
      case Float32 number -> memory.allocateFrom(ValueLayout.JAVA_FLOAT, number.value);
      case Float64 number -> memory.allocateFrom(ValueLayout.JAVA_DOUBLE, number.value);
      case Struct struct ->
          memory.allocate(struct.bytes.byteSize(), Long.BYTES).copyFrom(struct.bytes);
    };
  }
}
