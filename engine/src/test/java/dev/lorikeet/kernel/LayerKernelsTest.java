package dev.lorikeet.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.lorikeet.fixture.Rounding;
import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.kernel.Kernels.Into;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The layers of the CPU beside libtorch's formulas, at lengths with and without whole vectors. */
@Tag("native")
final class LayerKernelsTest {

  @ParameterizedTest
  @CsvSource({"1, 1, 1", "3, 8, 1", "5, 13, 1", "7, 6, 3", "2, 10, 4", "9, 77, 2"})
  void layerNormOfRuns(int rows, int width, int runs) {
    for (int threads : new int[] {1, 3}) {
      try (Device device = Device.cpu(threads);
          Tensors tensors = new Tensors(device)) {
        Tensor x = tensors.normal("x", rows, (long) runs * width);
        Tensor w = tensors.normal("w", width);
        Tensor dy = tensors.normal("dy", rows, (long) runs * width);
        Normed own = normed(Kernels.of(device).layers(), tensors, x, w, dy);
        Normed expected = normed(Kernels.reference(device).layers(), tensors, x, w, dy);
        float scale = 1 + largest(x) * largest(w) * largest(dy) * width;
        close(expected.y, own.y, 8 * width, scale, "y");
        close(expected.dx, own.dx, 16 * width, scale * largestOf(expected.moments), "dx");
        close(expected.dw, own.dw, 8 * (width + rows * runs), scale * rows, "dw");
      }
    }
  }

  @SuppressWarnings("ArrayRecordComponent") // compared element by element
  private record Normed(float[] y, float[] moments, float[] dx, float[] dw) {}

  private static Normed normed(LayerKernels k, Tensors tensors, Tensor x, Tensor w, Tensor dy) {
    Tensor y = tensors.empty(x.shape());
    Tensor dx = tensors.copy(x);
    Tensor dw = tensors.copy(w);
    Tensor moments = tensors.empty(x.elements() / w.elements(), 2);
    k.layerNorm(x, w, 1e-3, y, moments);
    k.layerNormBackward(dy, x, w, moments, dx, Into.ADD);
    k.layerNormWeightGradient(dy, x, moments, dw);
    return new Normed(y.toFloats(), moments.toFloats(), dx.toFloats(), dw.toFloats());
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void activationsAndTheirSlopes(Activation f) {
    for (int width : new int[] {1, 8, 13, 4099}) {
      try (Device device = Device.cpu(2);
          Tensors tensors = new Tensors(device)) {
        Tensor x = spread(tensors, width);
        Tensor up = tensors.normal("up", 2, width);
        Tensor dOut = tensors.normal("dOut", 2, width);
        float[][] own = curves(Kernels.of(device).layers(), tensors, f, x, up, dOut);
        float[][] expected = curves(Kernels.reference(device).layers(), tensors, f, x, up, dOut);
        String[] names = {"value", "dx", "gated", "dGate", "dUp"};
        for (int i = 0; i < own.length; i++) {
          close(expected[i], own[i], 16, 30 * largest(up) * largest(dOut), f + " " + names[i]);
        }
      }
    }
  }

  /** From −30 to 30, so that both tails are there. */
  private static Tensor spread(Tensors tensors, int width) {
    float[] values = new float[2 * width];
    for (int i = 0; i < values.length; i++) {
      values[i] = 60f * i / values.length - 30f + (i % 7) * 0.01f;
    }
    return tensors.empty(2, width).copyFrom(values);
  }

  private static float[][] curves(
      LayerKernels k, Tensors tensors, Activation f, Tensor x, Tensor up, Tensor dOut) {
    Tensor value = tensors.empty(x.shape());
    Tensor dx = tensors.empty(x.shape());
    Tensor gated = tensors.empty(x.shape());
    Tensor dGate = tensors.empty(x.shape());
    Tensor dUp = tensors.empty(x.shape());
    k.activate(f, x, value);
    k.activateBackward(f, dOut, x, dx);
    k.gated(f, x, up, gated);
    k.gatedBackward(f, dOut, x, up, dGate, dUp);
    return new float[][] {
      value.toFloats(), dx.toFloats(), gated.toFloats(), dGate.toFloats(), dUp.toFloats()
    };
  }

  @ParameterizedTest
  @CsvSource({"0, 1, 1, 1", "0, 3, 10, 1", "3, 7, 10, 1", "6, 6, 18, 4", "5, 13, 31, 3"})
  void columnsAreTakenOutAndPutBack(int first, int width, int stride, int count) {
    Columns columns = new Columns(first, width, stride, count);
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      Tensor wide = tensors.normal("wide", 19, columns.total());
      Tensor narrow = tensors.normal("narrow", 19, columns.size());
      float[][] own = copies(Kernels.of(device).layers(), tensors, wide, narrow, columns);
      float[][] expected =
          copies(Kernels.reference(device).layers(), tensors, wide, narrow, columns);
      for (int i = 0; i < own.length; i++) {
        assertArrayEquals(expected[i], own[i], "copy " + i);
      }
    }
  }

  private static float[][] copies(
      LayerKernels k, Tensors tensors, Tensor wide, Tensor narrow, Columns columns) {
    Tensor out = tensors.empty(narrow.shape());
    Tensor replaced = tensors.copy(wide);
    Tensor added = tensors.copy(wide);
    k.gatherColumns(wide, columns, out);
    k.scatterColumns(narrow, columns, replaced, Into.REPLACE);
    k.scatterColumns(narrow, columns, added, Into.ADD);
    return new float[][] {out.toFloats(), replaced.toFloats(), added.toFloats()};
  }

  @ParameterizedTest
  @CsvSource({"1, 30", "13, 5", "4100, 0.5"})
  void softCaps(int width, float cap) {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      Tensor x = spread(tensors, width);
      Tensor dy = tensors.normal("dy", 2, width);
      float[][] own = capped(Kernels.of(device).layers(), tensors, x, cap, dy);
      float[][] expected = capped(Kernels.reference(device).layers(), tensors, x, cap, dy);
      close(expected[0], own[0], 8, cap, "capped");
      close(expected[1], own[1], 16, largest(dy), "gradient");
    }
  }

  private static float[][] capped(LayerKernels k, Tensors tensors, Tensor x, float cap, Tensor dy) {
    Tensor y = tensors.copy(x);
    Tensor gradient = tensors.copy(dy);
    k.softCap(y, cap);
    k.softCapBackward(y, cap, gradient);
    return new float[][] {y.toFloats(), gradient.toFloats()};
  }

  private static float largest(Tensor tensor) {
    return largestOf(tensor.toFloats());
  }

  private static float largestOf(float[] values) {
    float largest = 0;
    for (float value : values) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }

  /** Within some roundings of numbers of this size. */
  private static void close(
      float[] expected, float[] found, int roundings, float size, String what) {
    Rounding.assertWithin(expected, found, _ -> roundings * Rounding.U * size, what);
  }
}
