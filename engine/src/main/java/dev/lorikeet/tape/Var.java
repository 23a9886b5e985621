package dev.lorikeet.tape;

import dev.lorikeet.kernel.Kernels.Into;
import dev.lorikeet.torch.Tensor;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A value that flows through operations, and, while going backward, its gradient. Belongs to the
 * {@link Tape} that made it.
 */
public final class Var {
  private final Tape tape;
  private final Tensor value;
  private boolean needsGradient;
  private @Nullable Tensor gradient;
  private int producers;
  private boolean valueKept;
  private @Nullable Recipe recipe;
  private @Nullable Tensor again;
  private int keepers;

  /** How a value is computed from others; whoever calls it owns the result. */
  private record Recipe(List<Var> sources, Supplier<Tensor> compute) {}

  Var(Tape tape, Tensor value, boolean needsGradient) {
    this.tape = tape;
    this.value = value;
    this.needsGradient = needsGradient;
  }

  public Tensor value() {
    return value;
  }

  /**
   * The value, on the way back, for those that recorded that they read it: it was held since, or it
   * is computed again, once for all of them.
   */
  public Tensor recalled() {
    if (recipe == null) {
      return value;
    }
    Tensor computed = again;
    if (computed == null) {
      computed = recipe.compute.get();
      again = computed;
    }
    return computed;
  }

  /** Whether the value is computed again instead of held. */
  boolean isDerived() {
    return recipe != null;
  }

  /** From now on the value need not be held: {@code compute} makes it of {@code sources}. */
  void derive(List<Var> sources, Supplier<Tensor> compute) {
    recipe = new Recipe(sources, compute);
  }

  /** Someone reads the value on the way back. */
  void keep() {
    if (recipe == null) {
      value.retain();
    } else if (keepers++ == 0) {
      recipe.sources.forEach(Var::keep);
    }
  }

  /** Someone has read it. */
  void forget() {
    if (recipe == null) {
      value.close();
    } else if (--keepers == 0) {
      if (again != null) {
        again.close();
        again = null;
      }
      recipe.sources.forEach(Var::forget);
    }
  }

  /** Whether anything below this value is trained. */
  public boolean needsGradient() {
    return needsGradient;
  }

  /** The gradient with respect to this value; only while its backward runs. */
  public Tensor gradient() {
    if (gradient == null) {
      throw new IllegalStateException("no gradient has reached " + value);
    }
    return gradient;
  }

  /**
   * An operation reads this value again on its way back: whoever changes it in place from now on
   * has to undo that when going back, or to change a copy.
   */
  public void keepValue() {
    valueKept = true;
  }

  /** Whether {@link #keepValue} was asked for. */
  public boolean isValueKept() {
    return valueKept;
  }

  boolean hasGradient() {
    return gradient != null;
  }

  /** Adds {@code contribution} to the gradient and takes over its reference. */
  public void addGradient(Tensor contribution) {
    if (gradient == null) {
      gradient = contribution;
      return;
    }
    try (contribution) {
      makeUnshared();
      tape.kernels().add(contribution, gradient());
    }
  }

  /** Where an operation may write or add its contribution directly. */
  public Slot gradientSlot() {
    if (gradient == null) {
      gradient = value.emptyLike();
      return new Slot(gradient, Into.REPLACE);
    }
    makeUnshared();
    return new Slot(gradient(), Into.ADD);
  }

  /** The gradient, for an operation that turns it in place into that of its own input. */
  public Tensor gradientToChange() {
    makeUnshared();
    return gradient();
  }

  /**
   * Target of a contribution to a gradient.
   *
   * @param target the gradient itself
   * @param into REPLACE if nothing has been written yet
   */
  public record Slot(Tensor target, Into into) {
    /** The β of a product that writes here: 0 to replace, 1 to add. */
    public float beta() {
      return into == Into.ADD ? 1f : 0f;
    }
  }

  private void makeUnshared() {
    Tensor shared = gradient();
    if (!shared.isUnshared()) {
      gradient = shared.emptyLike().copyFrom(shared);
      shared.close();
    }
  }

  void producedBy() {
    producers++;
    needsGradient = true;
  }

  /** One of the operations that wrote this value has gone backward; the last one frees. */
  void producerDone() {
    if (--producers == 0) {
      releaseGradient();
    }
  }

  void releaseGradient() {
    if (gradient != null) {
      gradient.close();
      gradient = null;
    }
  }

  /** Hands the gradient over to the caller. */
  Tensor takeGradient() {
    Tensor taken = gradient();
    gradient = null;
    return taken;
  }
}
