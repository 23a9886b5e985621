package dev.lorikeet.nn;

import dev.lorikeet.tape.Parameter;
import java.util.List;

/** A linear map that owns its weights: what a model is built of, and what adapters hold. */
public interface BaseLinear extends Linear, AutoCloseable {

  /** Those of its weights that are plain floating-point tensors, in the order of the checkpoint. */
  List<Parameter> parameters();

  /** Numbers that the weights stand for, in whatever form they are held. */
  long parameterCount();

  /** Bytes that the weights take on the device. */
  long weightBytes();

  /** Frees the weights. */
  @Override
  void close();
}
