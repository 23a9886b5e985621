package dev.lorikeet.data;

/** A record of a data file after its format was applied, before it becomes tokens. */
public sealed interface Sample {

  /**
   * A prompt and the response that is learned.
   *
   * @param id index of the record in its file, from 0
   * @param prompt everything before the response, with the format's own words
   * @param response without end-of-sequence token
   */
  record Completion(long id, String prompt, String response) implements Sample {}

  /**
   * A text that is one sequence.
   *
   * @param id index of the record in its file, from 0
   */
  record Document(long id, String text) implements Sample {}

  /** A whole file, to be cut into windows. */
  record Book(String text) implements Sample {}
}
