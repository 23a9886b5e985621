package dev.lorikeet.stat;

/** What a comparison says of its second run. */
public enum Verdict {
  BETTER("better"),
  WORSE("worse"),
  /** It differs, in a score of which neither direction is better. */
  DIFFERENT("different"),
  WITHIN_NOISE("difference within noise");

  private final String words;

  Verdict(String words) {
    this.words = words;
  }

  /** The verdict in a report's words. */
  public String words() {
    return words;
  }
}
