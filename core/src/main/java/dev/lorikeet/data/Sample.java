package dev.lorikeet.data;

import dev.lorikeet.source.DataFile;
import dev.lorikeet.source.SourceRecord;
import java.util.List;
import java.util.Optional;

/** A record of a data file after its format was applied, before it becomes text and tokens. */
public sealed interface Sample {

  /**
   * What is said in turn, the normal form of every format but plain text.
   *
   * @param record where it comes from, for messages
   * @param turns at least one
   * @param tools descriptions of functions that the assistant may call, as JSON schemas
   */
  record Dialogue(SourceRecord record, List<Turn> turns, Optional<List<?>> tools)
      implements Sample {
    public Dialogue {
      turns = List.copyOf(turns);
    }

    /** A prompt and the response that is learned. */
    static Dialogue of(SourceRecord record, Turn prompt, String response) {
      return new Dialogue(
          record, List.of(prompt, Turn.of(Turn.Role.ASSISTANT, response)), Optional.empty());
    }

    /** Index of the record in its file, from 0. */
    long id() {
      return record.index();
    }

    /** Whether the assistant is to learn to say nothing somewhere. */
    boolean hasEmptyResponse() {
      return turns.stream().anyMatch(turn -> turn.trained() && turn.isEmpty());
    }
  }

  /**
   * A text that is one sequence.
   *
   * @param id index of the record in its file, from 0
   */
  record Document(long id, String text) implements Sample {}

  /**
   * A whole text file, to be cut into windows.
   *
   * @param file at its beginning; read once, while the reader that gave it goes no further
   */
  record Book(DataFile file) implements Sample {}
}
