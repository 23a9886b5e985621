package dev.lorikeet.hub;

import java.time.Duration;

/** Waits; tests only write down for how long. */
@FunctionalInterface
public interface Pause {
  /**
   * Comes back after {@code time}.
   *
   * @throws InterruptedException if the thread is asked to end
   */
  void of(Duration time) throws InterruptedException;

  /** Really waits. */
  static Pause real() {
    return Thread::sleep;
  }
}
