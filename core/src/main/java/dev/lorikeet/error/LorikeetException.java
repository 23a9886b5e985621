package dev.lorikeet.error;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A failure that is told to the user by its message alone, never by a stack trace.
 *
 * <p>The message says what was being done, where (file, line, tensor or key), what was expected,
 * what was found and what to do next. A defect of Lorikeet itself is an {@link
 * IllegalStateException} instead.
 */
public abstract sealed class LorikeetException extends RuntimeException
    permits ConfigException, DataException, FormatException, RunException, TemplateException {

  LorikeetException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /** What the user reads; never absent. */
  @Override
  public String getMessage() {
    return Objects.requireNonNull(super.getMessage());
  }

  /** Exit code of the command line: 2 for the user's mistake, 1 for a run that failed. */
  public abstract int exitCode();
}
