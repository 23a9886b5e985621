package dev.lorikeet.data;

/**
 * What became of the records of one file.
 *
 * @param records records read (for a plain text file: windows)
 * @param examples sequences that are kept
 * @param tokens tokens of the kept sequences
 * @param labels tokens of them that are learned
 * @param truncated records longer than the maximum, cut at the end (they lose their end-of-sequence
 *     token)
 * @param dropped records left out because no label survived
 * @param longest tokens of the longest record before it was cut
 */
public record EncodeReport(
    long records,
    long examples,
    long tokens,
    long labels,
    long truncated,
    long dropped,
    int longest) {

  /** A report about nothing. */
  public static final EncodeReport NONE = new EncodeReport(0, 0, 0, 0, 0, 0, 0);

  /** The counts of both together. */
  public EncodeReport plus(EncodeReport other) {
    return new EncodeReport(
        records + other.records,
        examples + other.examples,
        tokens + other.tokens,
        labels + other.labels,
        truncated + other.truncated,
        dropped + other.dropped,
        Math.max(longest, other.longest));
  }
}
