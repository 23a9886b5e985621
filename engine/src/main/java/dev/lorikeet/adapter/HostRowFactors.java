package dev.lorikeet.adapter;

import dev.lorikeet.kernel.MagnitudeKernels;
import dev.lorikeet.kernel.MagnitudeKernels.Sums;
import dev.lorikeet.nn.BaseWeight;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Device.Transpose;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;

/** Factors that the host computes; on a device without memory nothing but their shapes. */
final class HostRowFactors extends RowFactors {
  /** Below this, z = (y − b)/c has lost too much; such rows multiply W again. */
  private static final float SMALLEST_FACTOR = MagnitudeKernels.SMALLEST_FACTOR;

  private final BaseWeight weight;
  private final RowNorms rowNorms;
  private float[] norms = new float[0];
  private int[] weakRows = new int[0];

  /** Factors whose magnitude is the present norm of the rows, so that c = 1 exactly. */
  static HostRowFactors start(Lora lora, BaseWeight weight) {
    RowNorms rowNorms = new RowNorms(weight, lora.scale());
    Tensor a = lora.a().value();
    float[] norms = rowNorms.of(a, lora.b().value());
    Tensor magnitude = a.device().floats(norms.length).copyFrom(norms);
    HostRowFactors factors = new HostRowFactors(lora, weight, rowNorms, magnitude);
    factors.norms = norms;
    factors.followed();
    return factors;
  }

  /** Factors with a given magnitude, which they take over. */
  HostRowFactors(Lora lora, BaseWeight weight, Tensor magnitude) {
    this(lora, weight, new RowNorms(weight, lora.scale()), magnitude);
  }

  private HostRowFactors(Lora lora, BaseWeight weight, RowNorms rowNorms, Tensor magnitude) {
    super(lora, weight, magnitude);
    this.weight = weight;
    this.rowNorms = rowNorms;
  }

  @Override
  void updateNorms() {
    norms = rowNorms.of(lora().a().value(), lora().b().value());
  }

  @Override
  void updateFactors() {
    if (!factor().device().isForHostCode()) {
      return;
    }
    float[] lengths = magnitude().value().toFloats();
    float[] c = new float[lengths.length];
    for (int i = 0; i < c.length; i++) {
      c[i] = norms[i] > 0 ? lengths[i] / norms[i] : 1f;
    }
    factor().copyFrom(c);
    setShift(shift(), c, 1f);
    weakRows =
        IntStream.range(0, c.length)
            .filter(i -> norms[i] > 0 && Math.abs(c[i]) < SMALLEST_FACTOR)
            .toArray();
  }

  /**
   * (fixed − c)·b, so that b stays {@code fixed} times itself; −0 changes not even the sign of 0.
   */
  private void setShift(Tensor target, float[] c, float fixed) {
    float[] b = bias().toFloats();
    float[] values = new float[c.length];
    for (int i = 0; i < c.length; i++) {
      float value = (fixed - c[i]) * b[i];
      values[i] = value == 0 ? -0f : value;
    }
    target.copyFrom(values);
  }

  @Override
  LessOne lessOne() {
    Tensor less = factor().emptyLike();
    Tensor without = shift().emptyLike();
    float[] values = factor().toFloats();
    for (int i = 0; i < values.length; i++) {
      values[i] -= 1;
    }
    less.copyFrom(values);
    setShift(without, values, 0f);
    return new LessOne(less, without);
  }

  @Override
  void addGradient(Sums form, Tensor sums) {
    Tensor gradient = magnitude().gradientToAddTo();
    if (!gradient.device().isForHostCode()) {
      return;
    }
    float[] values = gradient.toFloats();
    float[] added = sums.toFloats();
    float[] c = factor().toFloats();
    for (int i = 0; i < values.length; i++) {
      float divisor = form == Sums.OF_OUTPUT ? c[i] : 1f;
      if (norms[i] > 0 && Math.abs(divisor) >= SMALLEST_FACTOR) {
        values[i] += added[i] / (divisor * norms[i]);
      }
    }
    gradient.copyFrom(values);
  }

  @Override
  void addGradientOfWeakRows(Tensor input, Tensor u, Tensor dy) {
    if (weakRows.length == 0) {
      return;
    }
    Device device = input.device();
    float[] gradient = magnitude().gradientToAddTo().toFloats();
    try (Tensor row = device.floats(1, lora().inFeatures());
        Tensor z = device.floats(input.size(0), 1)) {
      for (int i : weakRows) {
        weight.readRows(i, row);
        device.gemm(Transpose.NO, Transpose.YES, 1f, input, row, 0f, z);
        try (Tensor b = lora().b().value().rows(i, 1)) {
          device.gemm(Transpose.NO, Transpose.YES, lora().scale(), u, b, 1f, z);
        }
        gradient[i] += (float) (columnProduct(dy, i, z.toFloats()) / norms[i]);
      }
    }
    magnitude().gradientToAddTo().copyFrom(gradient);
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
}
