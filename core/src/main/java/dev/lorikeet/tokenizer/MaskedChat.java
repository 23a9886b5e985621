package dev.lorikeet.tokenizer;

import dev.lorikeet.jinja.Rendering;
import java.util.List;

/**
 * A rendered conversation and which parts of it the model is to learn to say.
 *
 * @param text the whole text
 * @param assistant parts of it, in order, in UTF-16 units as {@link String#charAt} counts
 * @param origin how the parts are known
 */
public record MaskedChat(String text, List<Rendering.Span> assistant, Origin origin) {
  public MaskedChat {
    assistant = List.copyOf(assistant);
    int end = 0;
    for (Rendering.Span span : assistant) {
      if (span.start() < end || span.end() > text.length()) {
        throw new IllegalArgumentException("parts overlap or leave the text: " + assistant);
      }
      end = span.end();
    }
  }

  /** How the assistant's parts are known. */
  public enum Origin {
    /** The template marks them with {@code generation} blocks. */
    GENERATION_BLOCKS,
    /** The conversation was rendered up to and behind each of the assistant's messages. */
    PREFIXES
  }
}
