package dev.lorikeet.jinja;

/**
 * What one rendering may use. A conversation of a thousand messages stays far below; a template
 * that goes beyond is hostile or broken.
 *
 * @param work units of work: an evaluated expression, an item, or 32 characters made
 * @param textLength characters of a single string, the result included
 * @param items items of a single list
 * @param depth expressions, statements and values inside each other
 */
record Limits(long work, int textLength, int items, int depth) {
  static final Limits DEFAULT = new Limits(4_000_000, 20_000_000, 1_000_000, 700);

  /** Expressions and blocks inside each other that the parser follows; Python gives up near 100. */
  static final int NESTING = 100;

  /** Operators one behind the other in one expression. */
  static final int CHAIN = 250;

  /** Bits of a whole number; Python refuses to print more than about as many. */
  static final int BITS = 16_384;

  /** Items of a range, as jinja2's sandbox has it. */
  static final long RANGE = 100_000;
}
