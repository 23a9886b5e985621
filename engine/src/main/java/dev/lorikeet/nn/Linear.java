package dev.lorikeet.nn;

import dev.lorikeet.tape.Var;

/**
 * A linear map of the columns: [T, in] → [T, out]. Adapters are linear maps that hold another one,
 * so whatever reads a model's maps never knows whether they are adapted.
 */
public interface Linear {

  /** The module's name in the checkpoint, without {@code .weight}. */
  String name();

  /** Columns of the input. */
  int inFeatures();

  /** Columns of the output. */
  int outFeatures();

  /** y [T, out] of x [T, in], recorded on the pass' tape. */
  Var forward(Pass pass, Var x);

  /** What may stand in for a map of a model while the model is built. */
  @FunctionalInterface
  interface Wrapper {
    /** The map to use instead of {@code base}: itself, or an adapter that holds it. */
    Linear wrap(Linear base);

    /** The embedding to use instead of {@code base}; itself, unless a wrapper says otherwise. */
    default Embedding wrap(Embedding base) {
      return base;
    }

    /** Leaves every map as it is. */
    static Wrapper none() {
      return base -> base;
    }
  }
}
