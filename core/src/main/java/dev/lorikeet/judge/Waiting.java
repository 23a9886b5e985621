package dev.lorikeet.judge;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.InstantSource;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Optional;

/**
 * Time between attempts.
 *
 * @param clock that {@code Retry-After} dates are compared with
 * @param pauses what waiting does
 */
public record Waiting(InstantSource clock, Pauses pauses) {

  /** Waits for a time. */
  @FunctionalInterface
  public interface Pauses {
    /** Returns after {@code time}. */
    void pause(Duration time) throws InterruptedException;
  }

  /** The system's clock, and sleep. */
  public static Waiting real() {
    return new Waiting(InstantSource.system(), Thread::sleep);
  }

  void pause(Duration time) throws InterruptedException {
    pauses.pause(time);
  }

  /** The time that a {@code Retry-After} header asks for, in seconds or as a date; at least 0. */
  Optional<Duration> retryAfter(String header) {
    String value = header.strip();
    if (value.matches("[0-9]{1,9}")) {
      return Optional.of(Duration.ofSeconds(Long.parseLong(value)));
    }
    try {
      ZonedDateTime date = ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME);
      Duration until = Duration.between(clock.instant(), date.toInstant());
      return Optional.of(until.isNegative() ? Duration.ZERO : until);
    } catch (DateTimeException unreadable) {
      return Optional.empty();
    }
  }
}
