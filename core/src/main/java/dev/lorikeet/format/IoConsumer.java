package dev.lorikeet.format;

import java.io.IOException;

/** Writes to {@code target} and may fail while doing so. */
@FunctionalInterface
public interface IoConsumer<T> {
  /** Uses the target, which the caller opened and will close. */
  void accept(T target) throws IOException;
}
