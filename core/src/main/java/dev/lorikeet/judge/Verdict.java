package dev.lorikeet.judge;

import java.util.function.Function;

/**
 * What a judge said, read from its reply.
 *
 * @param <T> grade or preference
 */
public sealed interface Verdict<T> {

  /**
   * A reply with the form that was asked for.
   *
   * @param reason as the judge gave it; may be empty
   */
  record Given<T>(T value, String reason) implements Verdict<T> {}

  /**
   * A reply that could not be read, also after one request to repair it.
   *
   * @param reply the second reply
   * @param problem what was wrong with it
   */
  record Unreadable<T>(String reply, String problem) implements Verdict<T> {}

  /** The value that {@code given} finds, or {@code otherwise}. */
  default <R> R fold(Function<T, R> given, R otherwise) {
    return switch (this) {
      case Given<T>(T value, String _) -> given.apply(value);
      case Unreadable<T> _ -> otherwise;
    };
  }
}
