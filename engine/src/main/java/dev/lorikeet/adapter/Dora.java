package dev.lorikeet.adapter;

import dev.lorikeet.adapter.RowFactors.LessOne;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.kernel.DropoutMask;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.kernel.MagnitudeKernels.Sums;
import dev.lorikeet.nn.BaseWeight;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.Pass;
import dev.lorikeet.tape.Ops;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Tape;
import dev.lorikeet.tape.Var;
import dev.lorikeet.tape.Var.Slot;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Device.Transpose;
import dev.lorikeet.torch.Tensor;
import java.util.List;
import java.util.Optional;

/**
 * Weight-decomposed low-rank update of a frozen linear map: every row of W + s·BA is brought to a
 * trained length m,
 *
 * <p>y = c ⊙ (W + s·BA)·x + b, c = m / ‖W + s·BA‖₂ by rows, with PEFT's meaning: the norm counts as
 * a constant (stop-gradient; section 4.3), the bias is never scaled, m starts as the norm, so that
 * c = 1 exactly and attaching changes no logit. Shapes: x [T,in], A [r,in], B [out,r], m, c, b
 * [out], y [T,out].
 *
 * <p>Without dropout: z = Wx + s·BAx, y = c⊙z + b. Backward with dz = c⊙dy: B, A and x as in {@link
 * Lora} with dz in dy's place; dm = Σₜ dy⊙z / norm, where c⊙z = y − b is taken from the output
 * itself: nothing but y is kept for it. With dropout x̃ in training, as PEFT has it: y = Wx + b +
 * s·BAx̃ + (c−1)⊙(Wx̃ + s·BAx̃), which takes a second product with W and keeps its result.
 *
 * <p>{@link RowFactors} holds c and m; a row of norm 0 (PEFT divides by it) has c = 1 and no
 * gradient of m.
 *
 * @see <a href="https://arxiv.org/abs/2402.09353">Liu et al. 2024, sections 4.1 and 4.3</a>
 */
public final class Dora implements Mergeable, AutoCloseable {
  /** Elements of y that stay in a processor's cache between two operations: 1 MiB. */
  private static final int TILE_FLOATS = 1 << 18;

  private final Lora lora;
  private final RowFactors factors;

  /** A map whose magnitude is the present norm of its rows. */
  public static Dora start(Lora lora) {
    BaseWeight weight = baseWeight(lora);
    return new Dora(
        lora,
        onDevice(lora) ? DeviceRowFactors.start(lora, weight) : HostRowFactors.start(lora, weight));
  }

  /** A map with a given magnitude [out], which it takes over. */
  public Dora(Lora lora, Tensor magnitude) {
    this(
        lora,
        onDevice(lora)
            ? new DeviceRowFactors(lora, baseWeight(lora), magnitude)
            : new HostRowFactors(lora, baseWeight(lora), magnitude));
  }

  private static boolean onDevice(Lora lora) {
    return lora.a().value().device().hasOwnMemory();
  }

  private Dora(Lora lora, RowFactors factors) {
    this.lora = lora;
    this.factors = factors;
  }

  private static BaseWeight baseWeight(Lora lora) {
    if (lora.base() instanceof BaseWeight weight) {
      return weight;
    }
    throw new ConfigException(
        "adapter.technique dora: %s is not a plain linear layer; take it out of adapter.target_modules"
            .formatted(lora.name()));
  }

  /** What is told to who asks for magnitudes of an embedding. */
  static ConfigException notOnEmbeddings(String name) {
    return new ConfigException(
        "adapter.technique dora: adapter.target_modules matches %s, an embedding, and DoRA is for linear layers, lm_head included. Leave it out, or use technique lora."
            .formatted(name));
  }

  @Override
  public Var forward(Pass pass, Var x) {
    factors.follow();
    Optional<Tensor> rowKeys = lora.rowKeys(pass);
    if (rowKeys.isEmpty()) {
      return undropped(pass, x);
    }
    try (Tensor keys = rowKeys.get()) {
      return dropped(pass, x, new DropoutMask(lora.dropout(), keys));
    }
  }

  private Var undropped(Pass pass, Var x) {
    Tape tape = pass.tape();
    Device device = tape.device();
    Var y = lora.base().forward(pass, x);
    Tensor input = x.value();
    try (Tensor u = device.floats(input.size(0), rank())) { // [T,r]
      device.gemm(Transpose.NO, Transpose.YES, 1f, input, lora.a().value(), 0f, u);
      inTiles(
          input.size(0),
          (from, count) -> {
            try (Tensor yTile = y.value().rows(from, count);
                Tensor uTile = u.rows(from, count)) {
              addUpdate(uTile, yTile);
              tape.kernels().scaleColumns(factors.factor(), factors.shift(), yTile);
            }
          });
      y.keepValue();
      Tensor output = y.value();
      tape.record(y, () -> backward(tape, x, u, output, y), List.of(x), u, output);
    }
    return y;
  }

  private void backward(Tape tape, Var x, Tensor u, Tensor output, Var y) {
    Device device = tape.device();
    Tensor input = x.recalled();
    Tensor dy = y.gradientToChange();
    Tensor dB = lora.b().gradientToAddTo();
    factors.addGradientOfWeakRows(input, u, dy);
    try (Tensor sums = device.zeros(outFeatures());
        Tensor du = u.emptyLike()) {
      inTiles(
          input.size(0),
          (from, count) -> {
            try (Tensor dTile = dy.rows(from, count);
                Tensor outputTile = output.rows(from, count);
                Tensor uTile = u.rows(from, count);
                Tensor duTile = du.rows(from, count)) {
              tape.kernels()
                  .scaleColumnsBackward(outputTile, factors.bias(), factors.factor(), dTile, sums);
              device.gemm(Transpose.YES, Transpose.NO, scale(), dTile, uTile, 1f, dB);
              device.gemm(Transpose.NO, Transpose.NO, scale(), dTile, lora.b().value(), 0f, duTile);
            }
          });
      // Σ dy⊙(y − b) = c·Σ dy⊙z, and dm = Σ dy⊙z / norm
      factors.addGradient(Sums.OF_OUTPUT, sums);
      device.gemm(Transpose.YES, Transpose.NO, 1f, du, input, 1f, lora.a().gradientToAddTo());
      addInputGradient(device, x, du);
    }
  }

  private Var dropped(Pass pass, Var x, DropoutMask mask) {
    Tape tape = pass.tape();
    Device device = tape.device();
    Var y = lora.base().forward(pass, x); // Wx + b
    Var dropped = Ops.dropout(tape, x, mask);
    Var inner = lora.base().forward(pass, dropped); // Wx̃ + b
    Tensor input = x.value();
    try (Tensor u = device.floats(input.size(0), rank())) {
      device.gemm(Transpose.NO, Transpose.YES, 1f, dropped.value(), lora.a().value(), 0f, u);
      addUpdate(u, inner.value());
      addUpdate(u, y.value());
      try (LessOne less = factors.lessOne();
          Tensor scaled = inner.value().emptyLike().copyFrom(inner.value())) {
        tape.kernels().scaleColumns(less.factor(), less.shift(), scaled);
        tape.kernels().add(scaled, y.value());
      }
      Tensor kept = inner.value();
      tape.record(
          y,
          () -> backward(tape, new Dropped(x.recalled(), mask, dropped, inner, kept), u, y),
          List.of(x),
          u,
          kept,
          mask.rowKeys());
    }
    return y;
  }

  /** What the way back needs of the way with dropout; kept = Wx̃ + s·BAx̃ + b. */
  private record Dropped(Tensor input, DropoutMask mask, Var dropped, Var inner, Tensor kept) {}

  private void backward(Tape tape, Dropped forward, Tensor u, Var y) {
    Device device = tape.device();
    Tensor dy = y.gradient();
    Tensor dInner = dy.emptyLike().copyFrom(dy);
    Var inner = forward.inner;
    try (Tensor du = u.emptyLike()) {
      try (Tensor sums = device.zeros(outFeatures());
          LessOne less = factors.lessOne()) {
        tape.kernels()
            .scaleColumnsBackward(forward.kept, factors.bias(), less.factor(), dInner, sums);
        factors.addGradient(Sums.OF_INNER, sums);
      }
      // c⊙dy = dy + (c−1)⊙dy
      Tensor dB = lora.b().gradientToAddTo();
      device.gemm(Transpose.YES, Transpose.NO, scale(), dy, u, 1f, dB);
      device.gemm(Transpose.YES, Transpose.NO, scale(), dInner, u, 1f, dB);
      device.gemm(Transpose.NO, Transpose.NO, scale(), dy, lora.b().value(), 0f, du);
      device.gemm(Transpose.NO, Transpose.NO, scale(), dInner, lora.b().value(), 1f, du);
      try (Tensor again = forward.input.emptyLike()) {
        tape.kernels().dropout(forward.input, forward.mask, again, Kernels.Into.REPLACE);
        device.gemm(Transpose.YES, Transpose.NO, 1f, du, again, 1f, lora.a().gradientToAddTo());
      }
      addInputGradient(device, forward.dropped, du);
      if (inner.needsGradient()) {
        inner.addGradient(dInner.retain());
      }
    } finally {
      dInner.close();
    }
  }

  private void addUpdate(Tensor u, Tensor y) {
    Device device = u.device();
    device.gemm(Transpose.NO, Transpose.YES, scale(), u, lora.b().value(), 1f, y);
  }

  private void addInputGradient(Device device, Var x, Tensor du) {
    if (x.needsGradient()) {
      Slot slot = x.gradientSlot();
      device.gemm(Transpose.NO, Transpose.NO, 1f, du, lora.a().value(), slot.beta(), slot.target());
    }
  }

  /** A range of rows. */
  private interface Tile {
    void run(long from, long count);
  }

  /** Only on the host: a GPU has as much to do at once as there is. */
  private void inTiles(long rows, Tile tile) {
    long cached = Math.max(16, TILE_FLOATS / outFeatures() / 16 * 16);
    long height = factors.factor().device().hasOwnMemory() ? rows : cached;
    for (long from = 0; from < rows; from += height) {
      tile.run(from, Math.min(height, rows - from));
    }
  }

  @Override
  public void mergedRows(int from, Tensor out) {
    factors.follow();
    lora.mergedRows(from, out);
    if (out.device().holdsValues()) {
      float[] c = factors.factor().toFloats();
      for (int i = 0; i < out.size(0); i++) {
        try (Tensor row = out.rows(i, 1)) {
          Kernels.of(out.device()).scale(row, c[from + i]);
        }
      }
    }
  }

  private float scale() {
    return lora.scale();
  }

  private long rank() {
    return lora.a().value().size(0);
  }

  @Override
  public String name() {
    return lora.name();
  }

  @Override
  public int inFeatures() {
    return lora.inFeatures();
  }

  @Override
  public int outFeatures() {
    return lora.outFeatures();
  }

  @Override
  public Linear base() {
    return lora.base();
  }

  @Override
  public Rows over(Linear otherBase) {
    Lora below = lora.moved(otherBase);
    Dora moved = new Dora(below, magnitude().value().retain());
    return new Rows() {
      @Override
      public void read(int from, Tensor out) {
        moved.mergedRows(from, out);
      }

      @Override
      public void close() {
        moved.close();
        below.close();
      }
    };
  }

  /** The update BA with the map that is adapted. */
  public Lora lora() {
    return lora;
  }

  /** m [out]. */
  public Parameter magnitude() {
    return factors.magnitude();
  }

  /** Frees m and the factors; A and B belong to the {@link Lora}. */
  @Override
  public void close() {
    factors.close();
  }
}
