package dev.lorikeet.jinja;

import dev.lorikeet.jinja.PyError.Kind;
import java.math.BigInteger;

/** What is left of the limits of one rendering. */
final class Budget {
  private static final int CHARACTERS_A_UNIT = 32;
  private final Limits limits;
  private long work;
  private int depth;

  Budget(Limits limits) {
    this.limits = limits;
    this.work = limits.work();
  }

  /** Counts {@code units} of work. */
  void spend(long units) {
    work -= units;
    if (work < 0) {
      throw new PyError(
          Kind.LIMIT,
          "the template did more than "
              + limits.work()
              + " steps; loops this long do not end in time, make them shorter");
    }
  }

  /** Counts a string of {@code length} characters that is about to be made. */
  void text(long length) {
    fits(length);
    spend(1 + length / CHARACTERS_A_UNIT);
  }

  /**
   * Counts a search for {@code part} characters in {@code whole}, which may compare all with all.
   */
  void search(long whole, long part) {
    spend(1 + whole / CHARACTERS_A_UNIT + whole * part / 1024);
  }

  /** Refuses a string of {@code length} characters if no string may be as long. */
  void fits(long length) {
    if (length > limits.textLength()) {
      throw new PyError(
          Kind.LIMIT,
          "a text of "
              + length
              + " characters would be made, more than the "
              + limits.textLength()
              + " allowed");
    }
  }

  /** Counts a list of {@code count} items that is about to be made. */
  void items(long count) {
    if (count > limits.items()) {
      throw new PyError(
          Kind.LIMIT,
          "a list of "
              + count
              + " items would be made, more than the "
              + limits.items()
              + " allowed");
    }
    spend(1 + count);
  }

  /** Refuses whole numbers of more than {@code bits} bits and counts the work of making one. */
  void integer(long bits) {
    if (bits > Limits.BITS) {
      throw new PyError(
          Kind.LIMIT,
          "a whole number of "
              + bits
              + " bits would be made, more than the "
              + Limits.BITS
              + " allowed");
    }
    long words = bits / 32;
    spend(1 + words * words / 64);
  }

  BigInteger integer(BigInteger value) {
    integer(value.bitLength());
    return value;
  }

  /** Goes one level deeper; {@link #leave} comes back, but not after a failure. */
  void enter() {
    spend(1);
    if (++depth > limits.depth()) {
      throw new PyError(
          Kind.LIMIT,
          "more than "
              + limits.depth()
              + " levels inside each other; a macro, a recursive loop or a value has no end");
    }
  }

  void leave() {
    depth--;
  }
}
