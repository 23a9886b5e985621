package dev.lorikeet.data;

import dev.lorikeet.jinja.Rendering.Span;
import java.util.List;

/** A dialogue as text, with what is learned of it. */
sealed interface Rendered {

  /**
   * Pieces that are tokenised apart, so that generation that begins behind one goes on from the
   * very tokens that were trained. What the tokenizer puts in front of a sequence comes first, and
   * a token that ends the sequence behind each piece that is an answer.
   *
   * @param pieces in order
   */
  record Pieces(List<Piece> pieces) implements Rendered {
    public Pieces {
      pieces = List.copyOf(pieces);
    }
  }

  /**
   * A part of a text.
   *
   * @param said what kind of part it is
   */
  record Piece(String text, Said said) {}

  /** Whose words a piece holds. */
  enum Said {
    /** What an answer follows from. */
    BEFORE,
    /** An answer that is not learned. */
    ANSWER,
    /** An answer that is learned. */
    LEARNED_ANSWER
  }

  /**
   * A text that is tokenised whole.
   *
   * @param learned its parts that are learned, in order
   * @param beginning whether the tokenizer puts something in front
   */
  record Whole(String text, List<Span> learned, Beginning beginning) implements Rendered {
    public Whole {
      learned = List.copyOf(learned);
    }
  }

  /** What stands in front of a text. */
  enum Beginning {
    /** The text writes out all special tokens itself. */
    WRITTEN_OUT,
    /** What the tokenizer puts there, unless the text writes it out. */
    OF_TOKENIZER
  }
}
