package dev.lorikeet.adapter;

import dev.lorikeet.kernel.DropoutMask;
import dev.lorikeet.kernel.Kernels.Into;
import dev.lorikeet.nn.BaseWeight;
import dev.lorikeet.nn.DropoutKeys;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.Pass;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.tape.Tape;
import dev.lorikeet.tape.Var;
import dev.lorikeet.tape.Var.Slot;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Device.Transpose;
import dev.lorikeet.torch.Rng;
import dev.lorikeet.torch.Tensor;
import java.util.List;
import java.util.Optional;

/**
 * Low-rank update of a frozen linear map: y = base(x) + s·drop(x)·Aᵀ·Bᵀ, s = alpha / r.
 *
 * <p>Shapes: x [T,in], A [r,in], B [out,r], y [T,out]. A starts uniform in ±1/√in, which is
 * Kaiming's uniform start with a = √5, or normal with standard deviation 1/r; B starts at zero, so
 * attaching changes no logit until the first step. {@link Pissa} starts otherwise. Backward, with u
 * = drop(x)·Aᵀ and du = s·dy·B: dB += s·dyᵀ·u, dA += duᵀ·drop(x), dx += drop′(du·A). The dropout
 * mask is computed again, not kept.
 *
 * @see <a href="https://arxiv.org/abs/2106.09685">Hu et al. 2021, section 4.1</a>
 */
public final class Lora implements Mergeable, AutoCloseable {
  private final Linear base;
  private final Parameter a;
  private final Parameter b;
  private final float scale;
  private final double dropout;

  /** An adapter at its start. */
  public static Lora start(Linear base, LoraSettings settings, Device device, Rng rng) {
    int rank = settings.r();
    int in = base.inFeatures();
    Tensor a = device.floats(rank, in);
    try {
      if (device.holdsValues()) {
        Rng stream = rng.split(base.name()).split("lora_A");
        a.copyFrom(
            settings.start().equals(LoraStart.GAUSSIAN)
                ? normal(stream, rank * in, 1.0 / rank)
                : uniform(stream, rank * in, 1 / Math.sqrt(in)));
      }
      return new Lora(base, settings, a, device.zeros(base.outFeatures(), rank));
    } catch (RuntimeException failure) {
      a.close();
      throw failure;
    }
  }

  /** An adapter with given matrices, which it takes over: A [r,in], B [out,r]. */
  public Lora(Linear base, LoraSettings settings, Tensor a, Tensor b) {
    this(base, (float) settings.scale(), settings.dropout(), a, b);
  }

  private Lora(Linear base, float scale, double dropout, Tensor a, Tensor b) {
    this.base = base;
    this.a = new Parameter(base.name() + ".lora_A.weight", a, Training.TRAINABLE);
    this.b = new Parameter(base.name() + ".lora_B.weight", b, Training.TRAINABLE);
    this.scale = scale;
    this.dropout = dropout;
  }

  private static float[] uniform(Rng rng, int count, double bound) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) ((2 * rng.uniform(i) - 1) * bound);
    }
    return values;
  }

  /** {@code count} normal numbers with a standard deviation. */
  static float[] normal(Rng rng, int count, double deviation) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (deviation * rng.gaussian(i));
    }
    return values;
  }

  @Override
  public Var forward(Pass pass, Var x) {
    Tape tape = pass.tape();
    Device device = tape.device();
    Var y = base.forward(pass, x);
    Optional<Tensor> rowKeys = rowKeys(pass);
    Optional<DropoutMask> mask = rowKeys.map(keys -> new DropoutMask(dropout, keys));
    Tensor input = x.value();
    try (Tensor u = device.floats(input.size(0), a.value().size(0))) { // [T,r]
      try (Tensor dropped = dropped(tape, input, mask)) {
        device.gemm(Transpose.NO, Transpose.YES, 1f, dropped, a.value(), 0f, u);
      }
      device.gemm(Transpose.NO, Transpose.YES, scale, u, b.value(), 1f, y.value());
      tape.record(y, () -> backward(tape, x, u, y, mask), List.of(x), saved(u, rowKeys));
    } finally {
      rowKeys.ifPresent(Tensor::close);
    }
    return y;
  }

  private void backward(Tape tape, Var x, Tensor u, Var y, Optional<DropoutMask> mask) {
    Device device = tape.device();
    Tensor input = x.recalled();
    Tensor dy = y.gradient();
    device.gemm(Transpose.YES, Transpose.NO, scale, dy, u, 1f, b.gradientToAddTo());
    try (Tensor du = u.emptyLike();
        Tensor dropped = dropped(tape, input, mask)) {
      device.gemm(Transpose.NO, Transpose.NO, scale, dy, b.value(), 0f, du);
      device.gemm(Transpose.YES, Transpose.NO, 1f, du, dropped, 1f, a.gradientToAddTo());
      if (x.needsGradient()) {
        inputGradient(tape, x, du, mask);
      }
    }
  }

  private void inputGradient(Tape tape, Var x, Tensor du, Optional<DropoutMask> mask) {
    Slot slot = x.gradientSlot();
    if (mask.isEmpty()) {
      tape.device().gemm(Transpose.NO, Transpose.NO, 1f, du, a.value(), slot.beta(), slot.target());
      return;
    }
    try (Tensor dx = x.value().emptyLike()) {
      tape.device().gemm(Transpose.NO, Transpose.NO, 1f, du, a.value(), 0f, dx);
      tape.kernels().dropout(dx, mask.get(), slot.target(), slot.into());
    }
  }

  /** Keys of this pass' masks, which the caller closes; none when nothing is dropped. */
  Optional<Tensor> rowKeys(Pass pass) {
    if (dropout == 0 || pass.dropout().isEmpty()) {
      return Optional.empty();
    }
    DropoutKeys keys = pass.dropout().get();
    return Optional.of(keys.rowKeys(pass.device(), pass.sequences(), name()));
  }

  /** drop(x); the caller closes it. Without a mask it is x itself. */
  private static Tensor dropped(Tape tape, Tensor input, Optional<DropoutMask> mask) {
    if (mask.isEmpty()) {
      return input.retain();
    }
    Tensor dropped = input.emptyLike();
    tape.kernels().dropout(input, mask.get(), dropped, Into.REPLACE);
    return dropped;
  }

  private static Tensor[] saved(Tensor u, Optional<Tensor> rowKeys) {
    return rowKeys.isPresent() ? new Tensor[] {u, rowKeys.get()} : new Tensor[] {u};
  }

  @Override
  public String name() {
    return base.name();
  }

  @Override
  public int inFeatures() {
    return base.inFeatures();
  }

  @Override
  public int outFeatures() {
    return base.outFeatures();
  }

  /** W + s·BA. */
  @Override
  public void mergedRows(int from, Tensor out) {
    if (!(base instanceof BaseWeight weight)) {
      throw new IllegalStateException(base.name() + " has no weight to merge into");
    }
    weight.readRows(from, out);
    try (Tensor rows = b.value().rows(from, out.size(0))) {
      out.device().gemm(Transpose.NO, Transpose.NO, scale, rows, a.value(), 1f, out);
    }
  }

  @Override
  public Rows over(Linear otherBase) {
    Lora moved = moved(otherBase);
    return new Rows() {
      @Override
      public void read(int from, Tensor out) {
        moved.mergedRows(from, out);
      }

      @Override
      public void close() {
        moved.close();
      }
    };
  }

  /** The same matrices over another map; the caller closes it. */
  Lora moved(Linear otherBase) {
    return new Lora(otherBase, scale, dropout, a.value().retain(), b.value().retain());
  }

  /** s = alpha / r, or alpha / √r. */
  public float scale() {
    return scale;
  }

  /** Share of the input dropped in training. */
  double dropout() {
    return dropout;
  }

  @Override
  public Linear base() {
    return base;
  }

  /** A [r, in]. */
  public Parameter a() {
    return a;
  }

  /** B [out, r]. */
  public Parameter b() {
    return b;
  }

  /** Frees A and B; the base belongs to its model. */
  @Override
  public void close() {
    a.close();
    b.close();
  }
}
