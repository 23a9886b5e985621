package dev.lorikeet.bench.kernels;

import dev.lorikeet.bench.kernels.KernelCase.Limit;
import dev.lorikeet.bench.kernels.KernelCase.Work;
import dev.lorikeet.bench.kernels.KernelCases.Maker;
import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.format.Floats;
import dev.lorikeet.quant.QuantizationScheme;
import dev.lorikeet.quant.QuantizationScheme.OtherFormats;
import dev.lorikeet.quant.QuantizationScheme.Scales;
import dev.lorikeet.quant.QuantizedWeight;
import dev.lorikeet.quant.Rounding;
import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Device.Transpose;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.torch.TiledMatrix;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.TreeMap;

/**
 * Weights of an MLP [inner, hidden] in every form: becoming float32, multiplied with the tokens of
 * a step beside a plain product, and with one row, as in decoding, whose limit is reading the
 * weight.
 */
final class WeightCases {
  /** int8 rounds twice: code · scale / 127 against code · scale · (1/127). The others need less. */
  private static final double ROUNDINGS = 2e-7;

  private static final double SUMS = 1e-5;

  private WeightCases() {}

  /** A weight, the bytes it takes, its values by a plain loop, and its rows for products. */
  @SuppressWarnings("ArrayRecordComponent") // only carries them, is never compared
  private record Weight(TiledMatrix matrix, double bytes, float[] values) {}

  @FunctionalInterface
  private interface Form {
    Weight of(Tensor plain, Tensors tensors, CpuDevice device);
  }

  static Map<String, Maker> all() {
    Map<String, Form> forms =
        Map.of(
            "NF4", (plain, t, device) -> quantized(plain, Quantization.NF4, t, device),
            "FP4", (plain, t, device) -> quantized(plain, Quantization.FP4, t, device),
            "int8", (plain, t, device) -> quantized(plain, Quantization.INT8, t, device),
            "bf16", (plain, t, _) -> half(plain, DType.BFLOAT16, t),
            "f16", (plain, t, _) -> half(plain, DType.FLOAT16, t));
    Map<String, Maker> all = new TreeMap<>();
    forms.forEach((name, form) -> {
      all.put("to float32, " + name, (shape, device) -> toFloats(form, shape, device));
      all.put("product, " + name, (shape, device) -> product(form, shape.tokens(), shape, device));
      all.put("one row, " + name, (shape, device) -> product(form, 1, shape, device));
    });
    all.put("product, sgemm", (shape, device) -> sgemm(shape.tokens(), shape, device));
    all.put("one row, sgemm", (shape, device) -> sgemm(1, shape, device));
    return all;
  }

  private static Weight quantized(
      Tensor plain, Quantization format, Tensors tensors, CpuDevice device) {
    QuantizationScheme scheme =
        new QuantizationScheme(format, Scales.QUANTISED, 64, OtherFormats.REFUSED);
    QuantizedWeight weight = tensors.keep(Rounding.toNearest().of("weight", plain, scheme));
    return new Weight(
        new TiledMatrix(
            device,
            weight.outFeatures(),
            weight.inFeatures(),
            weight::dequantizeRows,
            weight.dots()),
        (double) weight.bytes(),
        Plain.dequantized(weight.stored()));
  }

  private static Weight half(Tensor plain, DType type, Tensors tensors) {
    Tensor half = tensors.half(type, plain);
    float[] values = new float[Math.toIntExact(half.elements())];
    for (int i = 0; i < values.length; i++) {
      short bits = half.segment().getAtIndex(ValueLayout.JAVA_SHORT, i);
      values[i] = type == DType.BFLOAT16 ? Floats.fromBf16(bits) : Floats.fromF16(bits);
    }
    return new Weight(TiledMatrix.of(half), (double) half.bytes(), values);
  }

  private static Tensor plain(Tensors t, KernelShape shape) {
    return t.random("w", shape.inner, shape.hidden);
  }

  private static KernelCase toFloats(Form form, KernelShape shape, CpuDevice device) {
    Tensors t = new Tensors(device);
    Weight weight = form.of(plain(t, shape), t, device);
    Tensor out = t.empty(shape.inner, shape.hidden);
    Tensor expected = t.empty(out.shape());
    return new KernelCase(
            new Work(Limit.STREAM, weight.bytes + (double) out.bytes()),
            t,
            () -> weight.matrix.readRows(0, out),
            () -> expected.copyFrom(weight.values))
        .expecting("weight", out, expected, ROUNDINGS);
  }

  private static KernelCase product(Form form, int rows, KernelShape shape, CpuDevice device) {
    Tensors t = new Tensors(device);
    Weight weight = form.of(plain(t, shape), t, device);
    Tensor x = t.random("x", rows, shape.hidden);
    Tensor y = t.empty(rows, shape.inner);
    Tensor expected = t.empty(y.shape());
    return new KernelCase(
            work(rows, shape, weight.bytes),
            t,
            () -> weight.matrix.timesTransposed(1f, x, 0f, y),
            () -> Plain.timesTransposed(x, weight.values, expected))
        .expecting("y", y, expected, SUMS);
  }

  private static KernelCase sgemm(int rows, KernelShape shape, CpuDevice device) {
    Tensors t = new Tensors(device);
    Tensor w = plain(t, shape);
    Tensor x = t.random("x", rows, shape.hidden);
    Tensor y = t.empty(rows, shape.inner);
    Tensor expected = t.empty(y.shape());
    return new KernelCase(
            work(rows, shape, (double) w.bytes()),
            t,
            () -> device.gemm(Transpose.NO, Transpose.YES, 1f, x, w, 0f, y),
            () -> Plain.timesTransposed(x, w.toFloats(), expected))
        .expecting("y", y, expected, SUMS);
  }

  /** One row is bound by reading the weight, many by arithmetic. */
  private static Work work(int rows, KernelShape shape, double bytes) {
    return rows == 1
        ? new Work(Limit.STREAM, bytes)
        : new Work(Limit.SGEMM, 2.0 * rows * shape.hidden * shape.inner);
  }
}
