package dev.lorikeet.bench.kernels;

import dev.lorikeet.bench.kernels.KernelCase.Limit;
import dev.lorikeet.bench.kernels.KernelCase.Work;
import dev.lorikeet.bench.kernels.KernelCases.Maker;
import dev.lorikeet.kernel.AdamWStep;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.kernel.QuantizedMoments;
import dev.lorikeet.kernel.UpdateKernels;
import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.Tensor;
import java.util.Map;

/** AdamW over the weight of an MLP. Its limit is memory. */
final class UpdateCases {
  private static final AdamWStep STEP = new AdamWStep(1e-3, 0.9, 0.999, 1e-8, 0.01, 1);
  private static final double ROUNDING = 4e-6;

  private UpdateCases() {}

  static Map<String, Maker> all() {
    return Map.of("AdamW", UpdateCases::adamW, "AdamW 8-bit", UpdateCases::adamW8bit);
  }

  private static KernelCase adamW(KernelShape shape, CpuDevice device) {
    Tensors t = new Tensors(device);
    Tensor gradient = t.random("g", shape.inner, shape.hidden);
    State found = State.of(t, shape);
    State expected = State.of(t, shape);
    UpdateKernels kernels = Kernels.of(device).updates();
    return new KernelCase(
            // Parameter and both states are read and written, the gradient is read.
            LayerCases.floats(7.0 * gradient.elements()),
            t,
            () -> kernels.adamW(found.parameter, gradient, found.mean, found.square, STEP),
            () ->
                Kernels.reference(device)
                    .updates()
                    .adamW(expected.parameter, gradient, expected.mean, expected.square, STEP))
        .expecting("parameter", found.parameter, expected.parameter, ROUNDING)
        .expecting("mean", found.mean, expected.mean, ROUNDING)
        .expecting("square", found.square, expected.square, ROUNDING);
  }

  private record State(Tensor parameter, Tensor mean, Tensor square) {
    static State of(Tensors t, KernelShape shape) {
      return new State(
          t.random("p", shape.inner, shape.hidden),
          t.empty(shape.inner, shape.hidden),
          t.empty(shape.inner, shape.hidden));
    }
  }

  private static KernelCase adamW8bit(KernelShape shape, CpuDevice device) {
    Tensors t = new Tensors(device);
    Tensor gradient = t.random("g", shape.inner, shape.hidden);
    Tensor parameter = t.random("p", shape.inner, shape.hidden);
    Tensor expected = t.copy(parameter);
    long elements = gradient.elements();
    QuantizedMoments moments = t.keep(QuantizedMoments.zeros(device, elements));
    QuantizedMoments expectedMoments = t.keep(QuantizedMoments.zeros(device, elements));
    UpdateKernels kernels = Kernels.of(device).updates();
    return new KernelCase(
            // As above, with states of a byte and a float32 for every block of them.
            new Work(
                Limit.STREAM,
                elements * (3.0 * Float.BYTES + 4.0 * (1 + 4.0 / QuantizedMoments.BLOCK))),
            t,
            () -> kernels.adamW(parameter, gradient, moments, STEP),
            () ->
                Kernels.reference(device)
                    .updates()
                    .adamW(expected, gradient, expectedMoments, STEP))
        .expecting("parameter", parameter, expected, ROUNDING)
        .expecting("largest means", moments.meanMax(), expectedMoments.meanMax(), ROUNDING)
        .expecting("largest squares", moments.squareMax(), expectedMoments.squareMax(), ROUNDING);
  }
}
