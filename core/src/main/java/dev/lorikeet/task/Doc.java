package dev.lorikeet.task;

/**
 * A document of a task's data.
 *
 * @param content what the document holds; documents of equal content are the same one
 * @param example the document with its answer and the blank line behind, as an example
 * @param question the document without its answer, behind its examples
 */
record Doc(Object content, String example, Question question) {
  /** A document behind examples. */
  @FunctionalInterface
  interface Question {
    /**
     * The item that is asked.
     *
     * @param id of the item
     * @param preamble description and examples; may be empty
     */
    Item after(String id, String preamble);
  }
}
