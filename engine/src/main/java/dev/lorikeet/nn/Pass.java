package dev.lorikeet.nn;

import dev.lorikeet.tape.Tape;
import dev.lorikeet.tape.Tape.Mode;
import dev.lorikeet.tape.Var;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Supplier;

/**
 * One way of some sequences through a model: the tape, the tokens on the device, and what the
 * layers may read. Close it: it owns the tape and the uploaded tokens.
 */
public final class Pass implements AutoCloseable {
  private final Tape tape;
  private final Sequences sequences;
  private final Tensor tokens;
  private final Tensor positions;
  private final PassOptions options;
  private final Map<Object, AutoCloseable> made;
  private final boolean ownsMade;

  /** A pass of {@code sequences} that keeps what {@code mode} says. */
  public Pass(Device device, Mode mode, Sequences sequences, PassOptions options) {
    tape = new Tape(device, mode);
    this.sequences = sequences;
    this.options = options;
    made = new HashMap<>();
    ownsMade = true;
    tokens = device.ints(sequences.tokens());
    try {
      positions = device.ints(sequences.positions());
    } catch (RuntimeException failure) {
      tokens.close();
      throw failure;
    }
  }

  /** A pass over tokens that {@code origin} has, too. */
  private Pass(Pass origin, Mode mode) {
    tape = new Tape(origin.device(), mode);
    sequences = origin.sequences;
    tokens = origin.tokens.retain();
    positions = origin.positions.retain();
    options = origin.options;
    made = origin.made;
    ownsMade = false;
  }

  /** An inference pass without a cache. */
  public static Pass inference(Device device, Sequences sequences) {
    return new Pass(device, Mode.INFERENCE, sequences, PassOptions.none());
  }

  public Tape tape() {
    return tape;
  }

  public Device device() {
    return tape.device();
  }

  public Sequences sequences() {
    return sequences;
  }

  /** Token ids, int32 [T]. */
  public Tensor tokens() {
    return tokens;
  }

  /** Positions, int32 [T]. */
  public Tensor positions() {
    return positions;
  }

  /** The cache that this pass continues and extends, if any. */
  public Optional<KvCache> cache() {
    return options.cache();
  }

  /** What dropout masks depend on; absent when nothing is dropped. */
  public Optional<DropoutKeys> dropout() {
    return options.dropout();
  }

  /**
   * Runs a block of layers. Its inner values are freed at its end; with recompute nothing inside is
   * kept, and the block is run a second time on the way back.
   */
  public Var block(Var input, BiFunction<Pass, Var, Var> layers) {
    boolean recompute = options.recompute() && tape.mode() == Mode.RECORD;
    Var output =
        recompute ? recomputed(input, layers) : tape.scoped(() -> layers.apply(this, input));
    tape.release(input);
    return output;
  }

  private Var recomputed(Var input, BiFunction<Pass, Var, Var> layers) {
    Tensor value;
    boolean needsGradient;
    try (Pass forward = over(Mode.DISCARD)) {
      Tensor given = input.value().retain();
      Var start = input.needsGradient() ? forward.tape.leaf(given) : forward.tape.constant(given);
      Var result = layers.apply(forward, start);
      value = result.value().retain();
      needsGradient = result.needsGradient();
    }
    Var output = tape.result(value, needsGradient);
    if (needsGradient) {
      tape.record(output, () -> backwardAgain(input, output, layers), input.value());
    }
    return output;
  }

  private void backwardAgain(Var input, Var output, BiFunction<Pass, Var, Var> layers) {
    try (Pass again = over(Mode.RECORD)) {
      Tensor given = input.value().retain();
      Var start = input.needsGradient() ? again.tape.leaf(given) : again.tape.constant(given);
      Var result = again.tape.scoped(() -> layers.apply(again, start));
      again.tape.release(result);
      again.tape.backward(result, output.gradient().retain());
      if (input.needsGradient()) {
        input.addGradient(again.tape.takeGradient(start));
      }
    }
  }

  /** Some rows of this pass, in ascending order, with a tape of their own: for the output head. */
  public Pass select(int[] rows) {
    return new Pass(device(), tape.mode(), sequences.select(rows), options);
  }

  /** The same tokens with a tape of their own. */
  private Pass over(Mode mode) {
    return new Pass(this, mode);
  }

  /**
   * What a layer made of this pass' sequences and other layers read, too: made once, freed with the
   * pass.
   *
   * @param owner who asks
   */
  <T extends AutoCloseable> T made(Object owner, Class<T> type, Supplier<T> maker) {
    return type.cast(made.computeIfAbsent(owner, _ -> maker.get()));
  }

  @Override
  public void close() {
    tape.close();
    tokens.close();
    positions.close();
    if (ownsMade) {
      made.values().forEach(Pass::free);
      made.clear();
    }
  }

  private static void free(AutoCloseable held) {
    try {
      held.close();
    } catch (Exception failure) {
      throw new IllegalStateException("freeing " + held, failure);
    }
  }
}
