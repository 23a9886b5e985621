package dev.lorikeet.run;

import java.util.Locale;

/** How far a run has come. */
public enum RunStatus {
  /** Its process is at work. */
  RUNNING,
  /** It did all its steps. */
  FINISHED,
  /** It ended with an error. */
  FAILED,
  /** The user stopped it. */
  STOPPED,
  /** Its process ended without a word: killed, or the machine went down. */
  INTERRUPTED;

  /** The status in lower case, as shown and stored. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The status with this label; throws {@link IllegalArgumentException} where there is none. */
  static RunStatus of(String label) {
    return valueOf(label.toUpperCase(Locale.ROOT));
  }
}
