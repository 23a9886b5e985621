package dev.lorikeet.quant;

import dev.lorikeet.format.FourBitState;
import dev.lorikeet.format.FourBitState.Nested;
import dev.lorikeet.kernel.DynamicMap;
import dev.lorikeet.quant.QuantizationScheme.Scales;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Floating-point weights to few bits, by the rules of bitsandbytes' CUDA kernels. Blocks or rows
 * are shared by the device's workers and do not depend on each other.
 *
 * <p>4 bits: a block's scale is its largest magnitude; a code is that of x · (1/scale), rounded
 * after the reciprocal and after the product. Quantised scales: their mean is subtracted, and the
 * rest is quantised to the dynamic map in blocks of {@value #NESTED_BLOCK}. 8 bits: code = round(x
 * · (127/scale)), half to even, with the largest magnitude of the row.
 *
 * <p>Differences: the mean is summed in double, where CUDA sums float32 in an order of its own;
 * bitsandbytes rounds weights to float16 before int8, here they are taken as they are.
 */
final class Quantizer {
  static final int NESTED_BLOCK = 256;
  private static final float INT8_LARGEST = 127f;

  /** Elements of a worker's smallest share. */
  private static final int GRAIN = 1 << 14;

  private Quantizer() {}

  /**
   * Quantises {@code weight} [out, in], which stays with the caller and holds finite numbers.
   *
   * @return a weight on the same device; the caller owns it
   */
  static QuantizedWeight quantize(Tensor weight, QuantizationScheme scheme) {
    return switch (scheme.format()) {
      case NF4 -> fourBit(weight, FourBitCode.NF4, scheme);
      case FP4 -> fourBit(weight, FourBitCode.FP4, scheme);
      case INT8 -> int8(weight);
      case NONE, AUTO -> throw new IllegalStateException("no format in " + scheme);
    };
  }

  private static FourBitWeight fourBit(Tensor weight, FourBitCode code, QuantizationScheme scheme) {
    Device device = weight.device();
    long blocks = Math.ceilDiv(weight.elements(), scheme.blockSize());
    try (Allocations tensors = new Allocations(device)) {
      Tensor codes = tensors.empty(DType.UINT8, Math.ceilDiv(weight.elements(), 2));
      Tensor absmax = tensors.empty(DType.FLOAT32, blocks);
      if (device.isForHostCode()) {
        new Blocks(weight, codes, absmax, scheme.blockSize(), code).quantize();
      }
      FourBitWeight made;
      if (scheme.scales() == Scales.QUANTISED) {
        made = doubleQuantized(weight, code, scheme, tensors, codes, absmax);
        absmax.close();
      } else {
        made =
            new FourBitWeight(
                state(weight, code, scheme, Optional.empty()),
                codes,
                absmax,
                Optional.empty(),
                code.map(),
                DynamicMap.SIGNED.values());
      }
      tensors.handOver();
      return made;
    }
  }

  private static FourBitWeight doubleQuantized(
      Tensor weight,
      FourBitCode code,
      QuantizationScheme scheme,
      Allocations tensors,
      Tensor codes,
      Tensor absmax) {
    long blocks = absmax.elements();
    Tensor bytes = tensors.empty(DType.UINT8, blocks);
    Tensor nestedAbsmax = tensors.empty(DType.FLOAT32, Math.ceilDiv(blocks, NESTED_BLOCK));
    float offset = 0;
    if (weight.device().isForHostCode()) {
      float[] scales = absmax.toFloats();
      offset = (float) (sum(scales) / scales.length);
      quantizeScales(scales, offset, bytes.segment(), nestedAbsmax.segment());
    }
    return new FourBitWeight(
        state(weight, code, scheme, Optional.of(new Nested(NESTED_BLOCK, "float32", offset))),
        codes,
        bytes,
        Optional.of(nestedAbsmax),
        code.map(),
        DynamicMap.SIGNED.values());
  }

  private static double sum(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    return sum;
  }

  private static void quantizeScales(
      float[] scales, float offset, MemorySegment bytes, MemorySegment nestedAbsmax) {
    for (int first = 0; first < scales.length; first += NESTED_BLOCK) {
      int end = Math.min(scales.length, first + NESTED_BLOCK);
      float largest = 0;
      for (int i = first; i < end; i++) {
        largest = Math.max(largest, Math.abs(scales[i] - offset));
      }
      nestedAbsmax.setAtIndex(ValueLayout.JAVA_FLOAT, first / NESTED_BLOCK, largest);
      float inverse = 1f / largest;
      for (int i = first; i < end; i++) {
        byte nearest = DynamicMap.SIGNED.nearest((scales[i] - offset) * inverse);
        bytes.set(ValueLayout.JAVA_BYTE, i, nearest);
      }
    }
  }

  private static FourBitState state(
      Tensor weight, FourBitCode code, QuantizationScheme scheme, Optional<Nested> nested) {
    List<Long> shape = Arrays.stream(weight.shape()).boxed().toList();
    return new FourBitState(code.type(), scheme.blockSize(), "float32", shape, nested);
  }

  /** One weight on its way to codes and scales. */
  private record Blocks(Tensor weight, Tensor codes, Tensor absmax, int size, FourBitCode code) {

    void quantize() {
      MemorySegment target = codes.segment();
      MemorySegment scales = absmax.segment();
      weight
          .device()
          .forRange(
              Math.toIntExact(absmax.elements()),
              Math.max(1, GRAIN / size),
              (from, to) -> {
                float[] values = new float[size];
                for (int block = from; block < to; block++) {
                  scales.setAtIndex(ValueLayout.JAVA_FLOAT, block, block(values, target, block));
                }
              });
    }

    /** A block begins at a byte, because its size is even; the scale is returned. */
    private float block(float[] values, MemorySegment target, int block) {
      long first = (long) block * size;
      int count = (int) Math.min(size, weight.elements() - first);
      weight.read(first, values, count);
      float largest = largest(values, count);
      float inverse = 1f / largest;
      for (int i = 0; i < count; i += 2) {
        int high = code.code(values[i] * inverse);
        float second = i + 1 < count ? values[i + 1] : 0f;
        int low = code.code(second * inverse);
        target.set(ValueLayout.JAVA_BYTE, (first + i) / 2, (byte) (high << 4 | low));
      }
      return largest;
    }
  }

  private static Int8Weight int8(Tensor weight) {
    Device device = weight.device();
    int rows = Math.toIntExact(weight.size(0));
    int columns = Math.toIntExact(weight.size(1));
    try (Allocations tensors = new Allocations(device)) {
      Tensor codes = tensors.empty(DType.INT8, weight.elements());
      Tensor rowScales = tensors.empty(DType.FLOAT32, rows);
      if (device.isForHostCode()) {
        MemorySegment target = codes.segment();
        MemorySegment scales = rowScales.segment();
        device.forRange(
            rows,
            Math.max(1, GRAIN / columns),
            (from, to) -> {
              float[] values = new float[columns];
              for (int row = from; row < to; row++) {
                long first = (long) row * columns;
                weight.read(first, values, columns);
                float largest = int8Row(values, target, first);
                scales.setAtIndex(ValueLayout.JAVA_FLOAT, row, largest);
              }
            });
      }
      tensors.handOver();
      return new Int8Weight(rows, columns, codes, rowScales);
    }
  }

  private static float int8Row(float[] values, MemorySegment target, long first) {
    float largest = largest(values, values.length);
    float factor = largest > 0 ? INT8_LARGEST / largest : 0f;
    for (int i = 0; i < values.length; i++) {
      // The reciprocal of a number next to zero is infinite: the largest code, as saturation gives.
      double rounded = Math.rint(values[i] * factor);
      target.set(
          ValueLayout.JAVA_BYTE,
          first + i,
          (byte) Math.clamp(rounded, -INT8_LARGEST, INT8_LARGEST));
    }
    return largest;
  }

  private static float largest(float[] values, int count) {
    float largest = 0;
    for (int i = 0; i < count; i++) {
      largest = Math.max(largest, Math.abs(values[i]));
    }
    return largest;
  }
}
