package dev.lorikeet.bench.kernels;

import dev.lorikeet.format.StoredQuantization;
import dev.lorikeet.format.StoredQuantization.Blocks;
import dev.lorikeet.format.StoredQuantization.FourBit;
import dev.lorikeet.format.StoredQuantization.Int8;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Plain loops that the kernels are compared with where libtorch has no formula for them. */
final class Plain {
  private Plain() {}

  /** Square matrix by vector, in double. */
  static float[] timesVector(float[] matrix, float[] vector) {
    int n = vector.length;
    float[] product = new float[n];
    for (int i = 0; i < n; i++) {
      double sum = 0;
      for (int j = 0; j < n; j++) {
        sum += (double) matrix[i * n + j] * vector[j];
      }
      product[i] = (float) sum;
    }
    return product;
  }

  /** x·Wᵀ in double; W [rows, columns], x [T, columns]. */
  static void timesTransposed(Tensor x, float[] w, Tensor y) {
    float[] in = x.toFloats();
    int columns = Math.toIntExact(x.size(1));
    int rows = Math.toIntExact(y.size(1));
    float[] out = new float[Math.toIntExact(y.elements())];
    x.device()
        .forRange(
            Math.toIntExact(x.size(0)),
            1,
            (from, to) -> {
              for (int t = from; t < to; t++) {
                for (int row = 0; row < rows; row++) {
                  double sum = 0;
                  for (int j = 0; j < columns; j++) {
                    sum += (double) in[t * columns + j] * w[row * columns + j];
                  }
                  out[t * rows + row] = (float) sum;
                }
              }
            });
    y.copyFrom(out);
  }

  /** What the codes of a weight stand for. */
  static float[] dequantized(StoredQuantization stored) {
    return switch (stored) {
      case FourBit fourBit -> fourBit(fourBit);
      case Int8 int8 -> int8(int8);
      case Blocks _ ->
          throw new IllegalArgumentException("blocks of GGUF files have no kernel to compare");
    };
  }

  private static float[] fourBit(FourBit stored) {
    int count = Math.toIntExact(stored.shape().getFirst() * stored.shape().getLast());
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      int pair = Byte.toUnsignedInt(stored.codes().get(ValueLayout.JAVA_BYTE, i / 2));
      int code = i % 2 == 0 ? pair >> 4 : pair & 15;
      values[i] = get(stored.map(), code) * scale(stored, i / stored.state().blockSize());
    }
    return values;
  }

  private static float scale(FourBit stored, int block) {
    if (stored.nested().isEmpty()) {
      return get(stored.scales(), block);
    }
    int code = Byte.toUnsignedInt(stored.scales().get(ValueLayout.JAVA_BYTE, block));
    var nested = stored.nested().get();
    var state = stored.state().nested().orElseThrow();
    return get(nested.map(), code) * get(nested.absmax(), block / state.blockSize())
        + state.offset();
  }

  private static float[] int8(Int8 stored) {
    int rows = Math.toIntExact(stored.shape().getFirst());
    int columns = Math.toIntExact(stored.shape().getLast());
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          stored.codes().get(ValueLayout.JAVA_BYTE, i) * get(stored.rowScales(), i / columns) / 127;
    }
    return values;
  }

  private static float get(MemorySegment floats, int index) {
    return floats.get(ValueLayout.JAVA_FLOAT_UNALIGNED, (long) Float.BYTES * index);
  }
}
