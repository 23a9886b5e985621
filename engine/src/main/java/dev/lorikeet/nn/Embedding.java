package dev.lorikeet.nn;

import dev.lorikeet.tape.Var;

/**
 * A table of one row a token: [T] ids → [T, H]. An adapter of an embedding is an embedding that
 * holds another one.
 */
public interface Embedding {

  /** The module's name in the checkpoint, without {@code .weight}. */
  String name();

  /** Rows of the table: ids are below this. */
  int rows();

  /** Columns of the table. */
  int columns();

  /** The rows [T, H] of the pass' tokens, recorded on its tape. */
  Var forward(Pass pass);
}
