package dev.lorikeet.bench.kernels;

import dev.lorikeet.bench.kernels.KernelCase.Limit;
import dev.lorikeet.bench.kernels.KernelCase.Work;
import dev.lorikeet.bench.kernels.KernelCases.Maker;
import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.Device.Transpose;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Map;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** What the machine can do: a large matrix product, and a pass over memory beyond the caches. */
final class PeakCases {
  private static final int SIDE = 2048;

  /** Three of them are 384 MiB, more than the caches of most machines. */
  private static final int STREAM = 1 << 25;

  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();

  private PeakCases() {}

  static Map<String, Maker> all() {
    return Map.of(
        KernelCases.SGEMM_PEAK, (_, device) -> sgemm(device),
        KernelCases.STREAM_PEAK, (_, device) -> triad(device));
  }

  private static KernelCase sgemm(CpuDevice device) {
    Tensors tensors = new Tensors(device);
    Tensor a = tensors.random("a", SIDE, SIDE);
    Tensor b = tensors.random("b", SIDE, SIDE);
    Tensor c = tensors.empty(SIDE, SIDE);
    Tensor row = tensors.empty(SIDE, 1);
    // C·1 = A·(B·1): one column tells whether all of C is right.
    float[] one = new float[SIDE];
    Arrays.fill(one, 1f);
    Tensor expected = tensors.empty(SIDE, 1);
    return new KernelCase(
            new Work(Limit.SGEMM, 2.0 * SIDE * SIDE * SIDE),
            tensors,
            () -> device.gemm(Transpose.NO, Transpose.NO, 1f, a, b, 0f, c),
            () -> {
              row.copyFrom(Plain.timesVector(c.toFloats(), one));
              expected.copyFrom(
                  Plain.timesVector(a.toFloats(), Plain.timesVector(b.toFloats(), one)));
            })
        .expecting("C·1", row, expected, 1e-4);
  }

  private static KernelCase triad(CpuDevice device) {
    Tensors tensors = new Tensors(device);
    Tensor b = tensors.random("b", STREAM);
    Tensor c = tensors.random("c", STREAM);
    Tensor a = tensors.empty(STREAM);
    Tensor expected = tensors.empty(STREAM);
    MemorySegment as = a.segment();
    MemorySegment bs = b.segment();
    MemorySegment cs = c.segment();
    return new KernelCase(
            new Work(Limit.STREAM, 3.0 * Float.BYTES * STREAM),
            tensors,
            () ->
                device.forRange(STREAM, FLOATS.length(), (from, to) -> triad(as, bs, cs, from, to)),
            () -> {
              float[] sum = b.toFloats();
              float[] factors = c.toFloats();
              for (int i = 0; i < sum.length; i++) {
                sum[i] = Math.fma(factors[i], 3f, sum[i]);
              }
              expected.copyFrom(sum);
            })
        .expecting("a = b + 3c", a, expected, 0);
  }

  private static void triad(MemorySegment a, MemorySegment b, MemorySegment c, int from, int to) {
    for (int i = from; i < to; i += FLOATS.length()) {
      long at = (long) Float.BYTES * i;
      FloatVector.fromMemorySegment(FLOATS, c, at, ORDER)
          .fma(
              FloatVector.broadcast(FLOATS, 3f),
              FloatVector.fromMemorySegment(FLOATS, b, at, ORDER))
          .intoMemorySegment(a, at, ORDER);
    }
  }
}
