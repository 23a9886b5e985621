package dev.lorikeet.format;

import java.util.Arrays;
import java.util.Optional;

/** Number format of a stored tensor; the constants carry the names that safetensors uses. */
public enum StoredType {
  F64(8),
  F32(4),
  F16(2),
  BF16(2),
  I64(8),
  I32(4),
  I16(2),
  I8(1),
  U8(1),
  BOOL(1);

  private final int bytes;

  StoredType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of one element, 1..8. */
  public int bytes() {
    return bytes;
  }

  /** Whether the elements are floating-point numbers, so that they convert to float32. */
  public boolean isFloat() {
    return this == F64 || this == F32 || this == F16 || this == BF16;
  }

  /** The type called {@code name} in a safetensors header, or nothing when it is not read here. */
  public static Optional<StoredType> parse(String name) {
    return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
  }
}
