package dev.lorikeet.adapter;

import dev.lorikeet.nn.BaseWeight;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Device.Transpose;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;

/**
 * The factors c = m / ‖W + s·BA‖₂ by rows of a {@link Dora} map, and the gradient of the magnitudes
 * m: dm = Σₜ dy⊙z / norm with z = Wx + s·BAx, since the norm counts as a constant. m, c and the
 * bias are [out].
 *
 * <p>The norms follow from {@link RowNorms} once after every update of A, B or m, however often the
 * map runs. A row of norm 0 has c = 1 and no gradient of m. Owns m and the factors.
 */
final class RowFactors implements AutoCloseable {
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

  /** Factors whose magnitude is the present norm of the rows, so that c = 1 exactly. */
  static RowFactors start(Lora lora, BaseWeight weight) {
    RowNorms rowNorms = new RowNorms(weight, lora.scale());
    Tensor a = lora.a().value();
    float[] norms = rowNorms.of(a, lora.b().value());
    Tensor magnitude = a.device().floats(norms.length).copyFrom(norms);
    RowFactors factors = new RowFactors(lora, weight, rowNorms, magnitude);
    factors.norms = norms;
    factors.normsVersion = factors.matricesVersion();
    return factors;
  }

  /** Factors with a given magnitude, which they take over. */
  RowFactors(Lora lora, BaseWeight weight, Tensor magnitude) {
    this(lora, weight, new RowNorms(weight, lora.scale()), magnitude);
  }

  private RowFactors(Lora lora, BaseWeight weight, RowNorms rowNorms, Tensor magnitude) {
    this.lora = lora;
    this.weight = weight;
    this.rowNorms = rowNorms;
    int out = lora.outFeatures();
    Device device = magnitude.device();
    this.magnitude =
        new Parameter(lora.name() + ".lora_magnitude_vector", magnitude, Training.TRAINABLE);
    bias = device.zeros(out);
    weight.bias().ifPresent(b -> bias.copyFrom(b.value()));
    factor = device.floats(out);
    shift = device.floats(out);
  }

  /** Norms and factors for the present A, B and m; does nothing as long as none of them changed. */
  void follow() {
    if (normsVersion != matricesVersion()) {
      norms = rowNorms.of(lora.a().value(), lora.b().value());
      normsVersion = matricesVersion();
    }
    long version = normsVersion + magnitude.version();
    if (factorVersion != version && factor.device().isForHostCode()) {
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

  /** m. */
  Parameter magnitude() {
    return magnitude;
  }

  /** b; zeros where the map has none. */
  Tensor bias() {
    return bias;
  }

  /** c, as of the last {@link #follow}. */
  Tensor factor() {
    return factor;
  }

  /** (1 − c)·b: added to c⊙(z + b) it leaves the bias unscaled. */
  Tensor shift() {
    return shift;
  }

  /** c − 1 and what it takes to leave the bias out; the caller closes it. */
  LessOne lessOne() {
    Tensor less = factor.emptyLike();
    Tensor without = shift.emptyLike();
    float[] values = factor.toFloats();
    for (int i = 0; i < values.length; i++) {
      values[i] -= 1;
    }
    less.copyFrom(values);
    setShift(without, values, 0f);
    return new LessOne(less, without);
  }

  /** A factor and its shift. */
  record LessOne(Tensor factor, Tensor shift) implements AutoCloseable {
    @Override
    public void close() {
      factor.close();
      shift.close();
    }
  }

  /**
   * dm += sums / (divisor · norm), but for rows without a norm and weak ones.
   *
   * @param sums Σₜ dy⊙z·divisor [out]
   * @param divisor [out]
   */
  void addGradient(Tensor sums, float[] divisor) {
    Tensor gradient = magnitude.gradientToAddTo();
    if (!gradient.device().isForHostCode()) {
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

  /**
   * Adds the gradient of rows whose factor is too small to find z in y: z = Wᵢx + s·Bᵢ·u again.
   *
   * @param input x [T,in]
   * @param u Ax [T,r]
   * @param dy [T,out]
   */
  void addGradientOfWeakRows(Tensor input, Tensor u, Tensor dy) {
    if (weakRows.length == 0) {
      return;
    }
    Device device = input.device();
    float[] gradient = magnitude.gradientToAddTo().toFloats();
    try (Tensor row = device.floats(1, lora.inFeatures());
        Tensor z = device.floats(input.size(0), 1)) {
      for (int i : weakRows) {
        weight.readRows(i, row);
        device.gemm(Transpose.NO, Transpose.YES, 1f, input, row, 0f, z);
        try (Tensor b = lora.b().value().rows(i, 1)) {
          device.gemm(Transpose.NO, Transpose.YES, lora.scale(), u, b, 1f, z);
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
      float upstream = values.getAtIndex(ValueLayout.JAVA_FLOAT, t * width + column);
      sum += (double) upstream * z[t];
    }
    return sum;
  }

  @Override
  public void close() {
    magnitude.close();
    bias.close();
    factor.close();
    shift.close();
  }
}
