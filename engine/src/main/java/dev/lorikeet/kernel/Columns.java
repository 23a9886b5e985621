package dev.lorikeet.kernel;

/**
 * Some columns of rows of {@code stride · count}: {@code width} of them from {@code first} on, and
 * again after every {@code stride}.
 *
 * @param first first column of the first block
 * @param width columns of a block
 * @param stride columns from one block to the next
 * @param count blocks
 */
public record Columns(int first, int width, int stride, int count) {

  public Columns {
    if (first < 0 || width < 1 || count < 1 || first + width > stride) {
      throw new IllegalStateException(
          "blocks of %d from %d of %d, %d times".formatted(width, first, stride, count));
    }
  }

  /** The columns {@code first … first + width − 1} of rows of {@code total}. */
  public static Columns of(int first, int width, int total) {
    return new Columns(first, width, total, 1);
  }

  /** Columns of the whole row. */
  public int total() {
    return stride * count;
  }

  /** Columns that are meant. */
  public int size() {
    return width * count;
  }
}
