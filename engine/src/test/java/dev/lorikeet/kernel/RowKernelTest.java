package dev.lorikeet.kernel;

import static dev.lorikeet.fixture.Rounding.U;
import static dev.lorikeet.fixture.Rounding.assertWithin;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.LibTorch.Precision;
import dev.lorikeet.torch.Tensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("native")
final class RowKernelTest {

  @ParameterizedTest
  @CsvSource({"1,1,1", "7,3,13", "13,5,64", "64,50,207", "300,97,576"})
  void agreesWithThePlainFormula(int rows, int tableRows, int width) {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      Tensor table = tensors.normal("table", tableRows, width);
      Tensor x = tensors.normal("x", rows, width);
      Tensor row = tensors.normal("row", width);
      Tensor ids = tensors.ids("ids", rows, tableRows);
      for (Kernels kernels : new Kernels[] {Kernels.of(device), Kernels.reference(device)}) {
        gathered(tensors, kernels, table, ids, width);
        // Sums of at most `rows` terms; the magnitudes are summed by the same kernel in float64.
        sums(tensors, kernels, table, x, row, ids);
      }
    }
  }

  private static void gathered(
      Tensors tensors, Kernels kernels, Tensor table, Tensor ids, int width) {
    Tensor expected = tensors.empty(ids.elements(), width);
    Tensor actual = tensors.empty(ids.elements(), width);
    new TorchKernels(Precision.FLOAT64).gatherRows(table, ids, expected);
    kernels.gatherRows(table, ids, actual);
    assertArrayEquals(expected.toFloats(), actual.toFloats(), "gathered rows are copies");
  }

  private static void sums(
      Tensors tensors, Kernels kernels, Tensor table, Tensor x, Tensor row, Tensor ids) {
    Kernels exact = new TorchKernels(Precision.FLOAT64);
    Tensor absolute = magnitudes(tensors, x);
    check(
        tensors,
        kernels,
        exact,
        table,
        (k, t) -> k.scatterAddRows(x, ids, t),
        (k, t) -> k.scatterAddRows(absolute, ids, t),
        x.size(0),
        "scatterAddRows");
    check(
        tensors,
        kernels,
        exact,
        row,
        (k, t) -> k.addSumOfRows(x, t),
        (k, t) -> k.addSumOfRows(absolute, t),
        x.size(0),
        "addSumOfRows");
    Tensor one = magnitudes(tensors, row);
    check(
        tensors,
        kernels,
        exact,
        x,
        (k, t) -> k.addRow(row, t),
        (k, t) -> k.addRow(one, t),
        1,
        "addRow");
  }

  @FunctionalInterface
  private interface Sum {
    void into(Kernels kernels, Tensor target);
  }

  private static void check(
      Tensors tensors,
      Kernels kernels,
      Kernels exact,
      Tensor start,
      Sum sum,
      Sum magnitudeSum,
      long terms,
      String what) {
    Tensor expected = tensors.copy(start);
    Tensor actual = tensors.copy(start);
    Tensor magnitude = magnitudes(tensors, start);
    sum.into(exact, expected);
    magnitudeSum.into(exact, magnitude);
    sum.into(kernels, actual);
    float[] bound = magnitude.toFloats();
    assertWithin(expected.toFloats(), actual.toFloats(), i -> terms * U * bound[i], what);
  }

  private static Tensor magnitudes(Tensors tensors, Tensor tensor) {
    float[] values = tensor.toFloats();
    for (int i = 0; i < values.length; i++) {
      values[i] = Math.abs(values[i]);
    }
    return tensors.of(values, tensor.shape());
  }

  @Test
  void rowOutsideTheTableIsRefused() {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      Tensor table = tensors.normal("table", 5, 3);
      Tensor out = tensors.empty(2, 3);
      for (int wrong : new int[] {-1, 5}) {
        Tensor ids = tensors.ints(0, wrong);
        Kernels kernels = Kernels.of(device);
        String message = "row " + wrong + " of a table with 5 rows";
        assertEquals(message, refused(() -> kernels.gatherRows(table, ids, out)));
        assertEquals(message, refused(() -> kernels.scatterAddRows(out, ids, table)));
      }
    }
  }

  private static String refused(Runnable call) {
    return String.valueOf(assertThrows(IllegalStateException.class, call::run).getMessage());
  }
}
