package dev.lorikeet.jinja;

import java.util.List;

/**
 * What a template gave.
 *
 * @param text the text
 * @param generation the parts of it that stand in {@code generation} blocks, in the order of the
 *     text; empty unless they were asked for
 */
public record Rendering(String text, List<Span> generation) {

  public Rendering {
    generation = List.copyOf(generation);
  }

  /**
   * A part of a text.
   *
   * @param start first character, in UTF-16 units as {@link String#charAt} counts
   * @param end behind the last character
   */
  public record Span(int start, int end) {
    public Span {
      if (start < 0 || end < start) {
        throw new IllegalArgumentException("no part of a text: " + start + " to " + end);
      }
    }
  }
}
