package dev.lorikeet.hub;

import java.time.Duration;

/**
 * How long the hub is waited for.
 *
 * @param attempts requests in a row that may fail without a new byte, at least 1
 * @param firstWait pause after the first failure; every further one is twice as long
 * @param longestWait longest pause, also the longest that a server may ask for
 * @param connect limit to open a connection
 * @param silence limit for a response to begin, and for the next bytes of it to come
 */
public record Patience(
    int attempts, Duration firstWait, Duration longestWait, Duration connect, Duration silence) {

  public Patience {
    if (attempts < 1) {
      throw new IllegalStateException("attempts must be at least 1, found " + attempts);
    }
  }

  /** Five attempts, pauses from 1 s, 5 minutes at most for one, 60 s of silence. */
  public static Patience usual() {
    return new Patience(
        5,
        Duration.ofSeconds(1),
        Duration.ofMinutes(5),
        Duration.ofSeconds(15),
        Duration.ofSeconds(60));
  }

  /** Pause after the {@code failures}-th failure in a row, from 1. */
  Duration waitAfter(int failures) {
    Duration wait = firstWait.multipliedBy(1L << Math.min(20, failures - 1));
    return wait.compareTo(longestWait) < 0 ? wait : longestWait;
  }
}
