package dev.lorikeet.source;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

/** JSON inside a value of a record. */
public final class JsonText {
  private JsonText() {}

  /**
   * The value that is all of {@code text}: null, Boolean, Number, String, List or Map.
   *
   * @throws JacksonException if it is not JSON
   */
  public static @Nullable Object value(String text) {
    return JsonValues.parse(text);
  }
}
