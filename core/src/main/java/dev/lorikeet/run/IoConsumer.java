package dev.lorikeet.run;

import java.io.IOException;

/** Code that uses a value and may fail with an {@link IOException}. */
@FunctionalInterface
interface IoConsumer<T> {
  void accept(T value) throws IOException;
}
