package dev.lorikeet.job;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * How far weights are from others of the same names. Sums are in double.
 *
 * @param largest largest difference of one number
 * @param largestIn the tensor that holds it
 * @param mean mean size of the differences
 * @param relative norm of all differences over the norm of the expected weights, both Frobenius'
 * @param worst the tensor whose own relative difference is the largest
 * @param worstRelative that relative difference
 */
public record WeightDrift(
    double largest,
    String largestIn,
    double mean,
    double relative,
    String worst,
    double worstRelative) {

  /** Collects differences, tensor after tensor and part after part. */
  static final class Sum {
    private final Part all = new Part();
    private Part one = new Part();
    private String name = "";
    private String largestIn = "";
    private String worst = "";
    private double worstRelative = -1;

    /**
     * Adds a part of the tensor {@code tensor}; the parts of a tensor come one behind the other.
     *
     * @param expected float32 numbers
     * @param actual as many, compared one by one
     */
    void add(String tensor, MemorySegment expected, MemorySegment actual) {
      if (!tensor.equals(name)) {
        endTensor();
        name = tensor;
      }
      one.add(expected, actual);
    }

    private void endTensor() {
      if (one.count > 0) {
        if (one.largest > all.largest || largestIn.isEmpty()) {
          largestIn = name;
        }
        if (one.relative() > worstRelative) {
          worst = name;
          worstRelative = one.relative();
        }
        all.add(one);
        one = new Part();
      }
    }

    /** What was found; empty if nothing was added. */
    Optional<WeightDrift> found() {
      endTensor();
      return all.count == 0
          ? Optional.empty()
          : Optional.of(
              new WeightDrift(
                  all.largest,
                  largestIn,
                  all.sizes / all.count,
                  all.relative(),
                  worst,
                  worstRelative));
    }
  }

  private static final class Part {
    private long count;
    private double largest;
    private double sizes;
    private double squares;
    private double expectedSquares;

    void add(MemorySegment expected, MemorySegment actual) {
      long numbers = expected.byteSize() / Float.BYTES;
      for (long i = 0; i < numbers; i++) {
        double reference = expected.getAtIndex(ValueLayout.JAVA_FLOAT, i);
        double size = Math.abs(actual.getAtIndex(ValueLayout.JAVA_FLOAT, i) - reference);
        largest = Math.max(largest, size);
        sizes += size;
        squares += size * size;
        expectedSquares += reference * reference;
      }
      count += numbers;
    }

    void add(Part other) {
      count += other.count;
      largest = Math.max(largest, other.largest);
      sizes += other.sizes;
      squares += other.squares;
      expectedSquares += other.expectedSquares;
    }

    /** Weights that are all zero are as far as they are off. */
    double relative() {
      return squares == 0 ? 0 : Math.sqrt(squares / expectedSquares);
    }
  }
}
