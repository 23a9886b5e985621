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
  private @Nullable Tensor gradient;
  private long updates;

  /** Takes over {@code value}; {@code name} is the checkpoint's key. */
  public Parameter(String name, Tensor value, Training training) {
    this.name = name;
    this.value = value;
    this.training = training;
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

  public boolean isTrainable() {
    return training == Training.TRAINABLE;
  }

  /** The gradient collected so far, to add to; zeros on first use. */
  public Tensor gradientToAddTo() {
    if (!isTrainable()) {
      throw new IllegalStateException(name + " is frozen and has no gradient");
    }
    Tensor current = gradient;
    if (current == null) {
      current = value.emptyLike().zero();
      gradient = current;
    }
    return current;
  }

  /** The gradient collected so far, if any operation used the parameter. */
  public Optional<Tensor> gradient() {
    return Optional.ofNullable(gradient);
  }

  /** Forgets the gradient: the next step starts at zero. The last act of every update. */
  public void clearGradient() {
    updates++;
    if (gradient != null) {
      gradient.zero();
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
    if (gradient != null) {
      gradient.close();
      gradient = null;
    }
  }

  @Override
  public String toString() {
    return name + " " + value;
  }
}
