package dev.lorikeet.torch;

/** Element type of a tensor in memory. */
public enum DType {
  FLOAT32(4),
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
}
