package dev.lorikeet.adapter;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.kernel.DropoutMask;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.nn.BaseWeight;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.Pass;
import dev.lorikeet.tape.Ops;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.tape.Tape;
import dev.lorikeet.tape.Var;
import dev.lorikeet.tape.Var.Slot;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Device.Transpose;
import dev.lorikeet.torch.Tensor;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.IntStream;

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
 * <p>The norms follow from {@link RowNorms} once after every update of A, B or m, however often the
 * map runs. A row of norm 0 (PEFT divides by it) has c = 1 and no gradient of m.
 *
 * @see <a href="https://arxiv.org/abs/2402.09353">Liu et al. 2024, sections 4.1 and 4.3</a>
 */
public final class Dora implements Mergeable, AutoCloseable {
  /** Elements of y that stay in a processor's cache between two operations: 512 KiB. */
  private static final int TILE_FLOATS = 1 << 17;

  /** Below this, z = (y − b)/c has lost too much; such rows multiply W again. */
  private static final float SMALLEST_FACTOR = 1f / 64;

  private final Lora lora;
  private final BaseWeight weight;
  private final RowNorms rowNorms;
  private final Parameter magnitude;
  private final Tensor bias;
  private final Tensor factor;
  private final Tensor shift;
  private float[] norms = new float[0];
  private int[] weakRows = new int[0];
  private long normsVersion = -1;
  private long factorVersion = -1;

  /** A map whose magnitude is the present norm of its rows. */
  public static Dora start(Lora lora) {
    RowNorms rowNorms = new RowNorms(baseWeight(lora), lora.scale());
    Tensor a = lora.a().value();
    float[] norms = rowNorms.of(a, lora.b().value());
    Dora dora = new Dora(lora, rowNorms, a.device().floats(norms.length).copyFrom(norms));
    dora.norms = norms;
    dora.normsVersion = dora.matricesVersion();
    return dora;
  }

  /** A map with a given magnitude [out], which it takes over. */
  public Dora(Lora lora, Tensor magnitude) {
    this(lora, new RowNorms(baseWeight(lora), lora.scale()), magnitude);
  }

  private Dora(Lora lora, RowNorms rowNorms, Tensor magnitude) {
    this.lora = lora;
    this.rowNorms = rowNorms;
    weight = baseWeight(lora);
    int out = lora.outFeatures();
    Device device = magnitude.device();
    this.magnitude =
        new Parameter(lora.name() + ".lora_magnitude_vector", magnitude, Training.TRAINABLE);
    bias = device.zeros(out);
    weight.bias().ifPresent(b -> bias.copyFrom(b.value()));
    factor = device.floats(out);
    shift = device.floats(out);
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
    followParameters();
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
              tape.kernels().scaleColumns(factor, shift, yTile);
            }
          });
      y.keepValue();
      Tensor output = y.value();
      tape.record(y, () -> backward(tape, x, input, u, output, y), input, u, output);
    }
    return y;
  }

  private void backward(Tape tape, Var x, Tensor input, Tensor u, Tensor output, Var y) {
    Device device = tape.device();
    Tensor dy = y.gradientToChange();
    Tensor dB = lora.b().gradientToAddTo();
    addWeakRows(input, u, dy);
    try (Tensor sums = device.zeros(outFeatures());
        Tensor du = u.emptyLike()) {
      inTiles(
          input.size(0),
          (from, count) -> {
            try (Tensor dTile = dy.rows(from, count);
                Tensor outputTile = output.rows(from, count);
                Tensor uTile = u.rows(from, count);
                Tensor duTile = du.rows(from, count)) {
              tape.kernels().scaleColumnsBackward(outputTile, bias, factor, dTile, sums);
              device.gemm(Transpose.YES, Transpose.NO, scale(), dTile, uTile, 1f, dB);
              device.gemm(Transpose.NO, Transpose.NO, scale(), dTile, lora.b().value(), 0f, duTile);
            }
          });
      // Σ dy⊙(y − b) = c·Σ dy⊙z, and dm = Σ dy⊙z / norm
      addMagnitudeGradient(sums, factor.toFloats());
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
      try (FactorLessOne less = new FactorLessOne();
          Tensor scaled = inner.value().emptyLike().copyFrom(inner.value())) {
        tape.kernels().scaleColumns(less.factor, less.shift, scaled);
        tape.kernels().add(scaled, y.value());
      }
      Tensor kept = inner.value();
      tape.record(
          y,
          () -> backward(tape, new Dropped(input, mask, dropped, inner, kept), u, y),
          input,
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
          FactorLessOne less = new FactorLessOne()) {
        tape.kernels().scaleColumnsBackward(forward.kept, bias, less.factor, dInner, sums);
        float[] ones = new float[outFeatures()];
        Arrays.fill(ones, 1f);
        addMagnitudeGradient(sums, ones);
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

  /** dm += sums / (divisor · norm), but for rows that were added directly. */
  private void addMagnitudeGradient(Tensor sums, float[] divisor) {
    Tensor gradient = magnitude.gradientToAddTo();
    if (!gradient.device().hasHostMemory()) {
      return;
    }
    float[] values = gradient.toFloats();
    float[] added = sums.toFloats();
    for (int i = 0; i < values.length; i++) {
      if (norms[i] > 0 && Math.abs(divisor[i]) >= SMALLEST_FACTOR) {
        values[i] += added[i] / (divisor[i] * norms[i]);
      }
    }
    gradient.copyFrom(values);
  }

  /** dm of the rows whose factor is too small to find z in y: z = Wᵢx + s·Bᵢ·u again. */
  private void addWeakRows(Tensor input, Tensor u, Tensor dy) {
    if (weakRows.length == 0) {
      return;
    }
    Device device = input.device();
    float[] gradient = magnitude.gradientToAddTo().toFloats();
    try (Tensor row = device.floats(1, inFeatures());
        Tensor z = device.floats(input.size(0), 1)) {
      for (int i : weakRows) {
        weight.readRows(i, row);
        device.gemm(Transpose.NO, Transpose.YES, 1f, input, row, 0f, z);
        try (Tensor b = lora.b().value().rows(i, 1)) {
          device.gemm(Transpose.NO, Transpose.YES, scale(), u, b, 1f, z);
        }
        gradient[i] += (float) (columnProduct(dy, i, z.toFloats()) / norms[i]);
      }
    }
    magnitude.gradientToAddTo().copyFrom(gradient);
  }

  private static double columnProduct(Tensor dy, int column, float[] z) {
    var values = dy.segment();
    long width = dy.size(1);
    double sum = 0;
    for (int t = 0; t < z.length; t++) {
      float upstream =
          values.getAtIndex(java.lang.foreign.ValueLayout.JAVA_FLOAT, t * width + column);
      sum += (double) upstream * z[t];
    }
    return sum;
  }

  /** Norms and factors for the present A, B and m; does nothing as long as none of them changed. */
  private void followParameters() {
    if (normsVersion != matricesVersion()) {
      norms = rowNorms.of(lora.a().value(), lora.b().value());
      normsVersion = matricesVersion();
    }
    long version = normsVersion + magnitude.version();
    if (factorVersion != version && factor.device().hasHostMemory()) {
      float[] lengths = magnitude.value().toFloats();
      float[] c = new float[lengths.length];
      for (int i = 0; i < c.length; i++) {
        c[i] = norms[i] > 0 ? lengths[i] / norms[i] : 1f;
      }
      factor.copyFrom(c);
      setShift(shift, c, 1f);
      weakRows =
          IntStream.range(0, c.length)
              .filter(i -> norms[i] > 0 && Math.abs(c[i]) < SMALLEST_FACTOR)
              .toArray();
    }
    factorVersion = version;
  }

  private long matricesVersion() {
    return lora.a().version() + lora.b().version();
  }

  /**
   * (fixed − c)·b, so that b stays {@code fixed} times itself; −0 changes not even the sign of 0.
   */
  private void setShift(Tensor target, float[] c, float fixed) {
    float[] b = bias.toFloats();
    float[] values = new float[c.length];
    for (int i = 0; i < c.length; i++) {
      float value = (fixed - c[i]) * b[i];
      values[i] = value == 0 ? -0f : value;
    }
    target.copyFrom(values);
  }

  /** c − 1 and what it takes to leave the bias out. */
  private final class FactorLessOne implements AutoCloseable {
    private final Tensor factor;
    private final Tensor shift;

    FactorLessOne() {
      factor = Dora.this.factor.emptyLike();
      shift = Dora.this.shift.emptyLike();
      float[] less = Dora.this.factor.toFloats();
      for (int i = 0; i < less.length; i++) {
        less[i] -= 1;
      }
      factor.copyFrom(less);
      setShift(shift, less, 0f);
    }

    @Override
    public void close() {
      factor.close();
      shift.close();
    }
  }

  /** A range of rows. */
  private interface Tile {
    void run(long from, long count);
  }

  private void inTiles(long rows, Tile tile) {
    long height = Math.max(16, TILE_FLOATS / outFeatures() / 16 * 16);
    for (long from = 0; from < rows; from += height) {
      tile.run(from, Math.min(height, rows - from));
    }
  }

  @Override
  public void mergedRows(int from, Tensor out) {
    followParameters();
    lora.mergedRows(from, out);
    if (out.device().hasHostMemory()) {
      float[] c = factor.toFloats();
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
    Dora moved = new Dora(below, magnitude.value().retain());
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
    return magnitude;
  }

  /** Frees m and the factors; A and B belong to the {@link Lora}. */
  @Override
  public void close() {
    magnitude.close();
    bias.close();
    factor.close();
    shift.close();
  }
}
