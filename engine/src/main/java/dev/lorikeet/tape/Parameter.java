package dev.lorikeet.tape;

import dev.lorikeet.torch.Tensor;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A named weight. A trainable one collects its gradient over all micro-batches of a step. Owns its
 * tensors.
 */
public final class Parameter implements AutoCloseable {

  /** Whether a weight is trained or stays as it is. */
  public enum Training {
    FROZEN,
    TRAINABLE
  }

  private final String name;
  private final Tensor value;
  private final Training training;
  private final Gradient gradient;
  private long updates;

  /** What is collected; perhaps for two forms of one weight. */
  private static final class Gradient {
    private @Nullable Tensor sum;
  }

  /** Takes over {@code value}; {@code name} is the checkpoint's key. */
  public Parameter(String name, Tensor value, Training training) {
    this(name, value, training, new Gradient());
  }

  private Parameter(String name, Tensor value, Training training, Gradient gradient) {
    this.name = name;
    this.value = value;
    this.training = training;
    this.gradient = gradient;
  }

  public String name() {
    return name;
  }

  public Tensor value() {
    return value;
  }

  /**
   * The same value under another name and training. It takes the place of this parameter, which
   * must not be used or closed any more.
   */
  public Parameter as(String otherName, Training otherTraining) {
    return new Parameter(otherName, value, otherTraining);
  }

  /**
   * The same weight held in another form, which the result owns. Gradients collected by one are the
   * other's, too.
   */
  public Parameter inForm(Tensor otherValue) {
    otherValue.requireShape(value.shape());
    return new Parameter(name, otherValue, training, gradient);
  }

  public boolean isTrainable() {
    return training == Training.TRAINABLE;
  }

  /** The gradient collected so far, float32, to add to; zeros on first use. */
  public Tensor gradientToAddTo() {
    if (!isTrainable()) {
      throw new IllegalStateException(name + " is frozen and has no gradient");
    }
    Tensor current = gradient.sum;
    if (current == null) {
      current = value.device().zeros(value.shape());
      gradient.sum = current;
    }
    return current;
  }

  /** The gradient collected so far, if any operation used the parameter. */
  public Optional<Tensor> gradient() {
    return Optional.ofNullable(gradient.sum);
  }

  /** Forgets the gradient: the next step starts at zero. The last act of every update. */
  public void clearGradient() {
    updates++;
    if (gradient.sum != null) {
      gradient.sum.zero();
    }
  }

  /**
   * A number that grows whenever the value may have changed, by an optimiser's update or by {@link
   * Tensor#copyFrom}: what was derived from the value holds as long as it stays.
   */
  public long version() {
    return updates + value.writes();
  }

  @Override
  public void close() {
    value.close();
    if (gradient.sum != null) {
      gradient.sum.close();
      gradient.sum = null;
    }
  }

  @Override
  public String toString() {
    return name + " " + value;
  }
}
