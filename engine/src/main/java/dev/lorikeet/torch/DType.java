package dev.lorikeet.torch;

/** Element type of a tensor in memory. */
public enum DType {
  FLOAT32(4),
  /** The upper half of a float32. Kept; what computes with it is {@link Device#computeFormat}. */
  BFLOAT16(2),
  /** IEEE 754 binary16. Kept; what computes with it is {@link Device#computeFormat}. */
  FLOAT16(2),
  INT32(4),
  INT8(1),
  UINT8(1);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }

  /** Whether this is a floating-point number of two bytes, which becomes a float32 exactly. */
  public boolean isHalf() {
    return this == BFLOAT16 || this == FLOAT16;
  }
}
