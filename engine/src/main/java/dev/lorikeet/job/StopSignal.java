package dev.lorikeet.job;

/**
 * Asks a fine-tuning to stop: it ends the step that it is in, writes a checkpoint and returns. Any
 * thread may ask.
 */
public final class StopSignal {
  private volatile boolean requested;

  /** Asks; asking again changes nothing. */
  public void request() {
    requested = true;
  }

  /** Whether somebody asked. */
  public boolean requested() {
    return requested;
  }
}
