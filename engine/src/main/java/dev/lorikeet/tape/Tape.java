package dev.lorikeet.tape;

import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Supplier;

/**
 * The record of one forward pass. Operations append to it; {@link #backward} runs it in reverse and
 * frees every tensor at its last use. Close it in any case: it owns all intermediate memory.
 */
public final class Tape implements AutoCloseable {

  /** What a tape keeps. */
  public enum Mode {
    /** Everything the backward pass needs. */
    RECORD,
    /** Nothing, but it still knows what needs a gradient: a pass that will be repeated. */
    DISCARD,
    /** Nothing: inference. */
    INFERENCE
  }

  private final Device device;
  private final Kernels kernels;
  private final Mode mode;
  private final List<Step> steps = new ArrayList<>();
  private final Deque<List<Var>> frames = new ArrayDeque<>();

  public Tape(Device device, Mode mode) {
    this.device = device;
    this.mode = mode;
    kernels = Kernels.of(device);
    frames.push(new ArrayList<>());
  }

  public Device device() {
    return device;
  }

  public Kernels kernels() {
    return kernels;
  }

  public Mode mode() {
    return mode;
  }

  /** A value without a past; the tape takes over {@code value}. */
  public Var constant(Tensor value) {
    return register(new Var(this, value, false));
  }

  /** A value whose gradient the caller wants; the tape takes over {@code value}. */
  public Var leaf(Tensor value) {
    return register(new Var(this, value, mode != Mode.INFERENCE));
  }

  /**
   * The result of an operation; the tape takes over {@code value}.
   *
   * @param needsGradient whether an input needs one or a parameter is trained
   */
  public Var result(Tensor value, boolean needsGradient) {
    return register(new Var(this, value, needsGradient && mode != Mode.INFERENCE));
  }

  /**
   * Records how {@code output}'s gradient flows back. Operations that add to an output in place
   * record themselves on the same variable.
   *
   * @param saved tensors that {@code backward} reads; kept until it has run
   */
  public void record(Var output, Runnable backward, Tensor... saved) {
    record(output, backward, List.of(), saved);
  }

  /**
   * The same for an operation that also reads values by {@link Var#recalled} on its way back.
   *
   * @param recalled those values; held, or computed again where that is cheap
   */
  public void record(Var output, Runnable backward, List<Var> recalled, Tensor... saved) {
    requireOpen();
    if (mode == Mode.INFERENCE) {
      return;
    }
    output.producedBy();
    if (mode == Mode.DISCARD) {
      return;
    }
    for (Tensor tensor : saved) {
      tensor.retain();
    }
    recalled.forEach(Var::keep);
    steps.add(new Step(output, backward, recalled, saved));
  }

  /**
   * Says how to compute {@code result} again from {@code sources}, bit for bit: then these are held
   * for the way back and not the result. For operations that cost little beside the products around
   * them.
   */
  public void derive(Var result, List<Var> sources, Supplier<Tensor> compute) {
    if (mode == Mode.RECORD) {
      result.derive(sources, compute);
    }
  }

  /** Runs a part of the pass and frees all of its values at the end, except the result. */
  public Var scoped(Supplier<Var> part) {
    requireOpen();
    frames.push(new ArrayList<>());
    Var result;
    try {
      result = part.get();
    } catch (RuntimeException | Error failure) {
      closeFrame(frames.pop());
      throw failure;
    }
    List<Var> frame = frames.pop();
    frame.remove(result);
    closeFrame(frame);
    return register(result);
  }

  /** Frees a value before the end of its part: nobody will read it but those who recorded it. */
  public void release(Var variable) {
    List<Var> frame = frames.peek();
    if (frame == null || !frame.remove(variable)) {
      throw new IllegalStateException("not a value of this part of the pass: " + variable.value());
    }
    variable.value().close();
  }

  /**
   * Goes back from {@code root} with its gradient, which the tape takes over. Afterwards the
   * parameters hold their gradients and {@link #leaf} values theirs.
   */
  public void backward(Var root, Tensor gradient) {
    if (frames.isEmpty()) {
      gradient.close();
    }
    requireOpen();
    root.addGradient(gradient);
    while (!steps.isEmpty()) {
      Step step = steps.removeLast();
      try {
        if (step.output.hasGradient()) {
          step.backward.run();
        }
      } finally {
        step.release();
        step.output.producerDone();
      }
    }
  }

  /** The gradient of a {@link #leaf} after {@link #backward}; the caller owns it. */
  public Tensor takeGradient(Var leaf) {
    return leaf.takeGradient();
  }

  @Override
  public void close() {
    requireOpen();
    for (Step step : steps) {
      step.release();
      step.output.releaseGradient();
    }
    steps.clear();
    while (!frames.isEmpty()) {
      closeFrame(frames.pop());
    }
  }

  private Var register(Var variable) {
    List<Var> frame = frames.peek();
    if (frame == null) {
      variable.value().close();
      throw closed();
    }
    frame.add(variable);
    return variable;
  }

  private void requireOpen() {
    if (frames.isEmpty()) {
      throw closed();
    }
  }

  private static IllegalStateException closed() {
    return new IllegalStateException("the tape is closed");
  }

  private static void closeFrame(List<Var> frame) {
    for (Var variable : frame) {
      variable.value().close();
      variable.releaseGradient();
    }
  }

  /** One operation, and the tensors that it holds until it has gone backward. */
  private static final class Step {
    final Var output;
    final Runnable backward;
    private final List<Var> recalled;
    private final Tensor[] saved;

    Step(Var output, Runnable backward, List<Var> recalled, Tensor[] saved) {
      this.output = output;
      this.backward = backward;
      this.recalled = recalled;
      this.saved = saved;
    }

    void release() {
      for (Tensor tensor : saved) {
        tensor.close();
      }
      recalled.forEach(Var::forget);
    }
  }
}
