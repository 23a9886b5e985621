package dev.lorikeet.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("native")
final class TensorTest {

  @Test
  void ledgerCountsLivePeakAndAllocations() {
    try (Device device = Device.cpu(1)) {
      MemoryLedger books = device.memory();
      Tensor a = device.floats(10, 10);
      Tensor b = device.ints(new int[] {1, 2, 3});
      assertEquals(412, books.currentBytes());
      a.close();
      assertEquals(12, books.currentBytes());
      assertEquals(412, books.peakBytes());
      assertEquals(2, books.allocations());
      books.resetPeak();
      assertEquals(12, books.peakBytes());
      b.close();
      assertEquals(0, books.currentBytes());
      assertEquals(12, books.peakBytes());
    }
  }

  @Test
  void moreFreedThanAllocatedIsADefect() {
    MemoryLedger books = new MemoryLedger();
    books.allocated(4);
    assertThrows(IllegalStateException.class, () -> books.freed(8));
  }

  @Test
  void viewsShareMemoryAndKeepItAlive() {
    try (Device device = Device.cpu(1)) {
      Tensor whole = device.floats(3, 2).copyFrom(new float[] {1, 2, 3, 4, 5, 6});
      Tensor rows = whole.rows(1, 2);
      Tensor flat = rows.reshape(4);
      assertFalse(whole.isUnshared());
      whole.close();
      rows.close();
      assertTrue(flat.isUnshared());
      assertArrayEquals(new float[] {3, 4, 5, 6}, flat.toFloats());
      flat.segment().setAtIndex(ValueLayout.JAVA_FLOAT, 0, 7f);
      assertEquals(24, device.memory().currentBytes());
      flat.close();
      assertEquals(0, device.memory().currentBytes());
    }
  }

  @Test
  void bytesAreSeenAsAnotherType() {
    try (Device device = Device.cpu(1);
        Tensor bytes = device.empty(DType.UINT8, 20).zero();
        Tensor floats = bytes.view(DType.FLOAT32, 8, 3)) {
      floats.copyFrom(new float[] {1, 2, 3});
      assertEquals(2f, bytes.segment().get(ValueLayout.JAVA_FLOAT, 12));
      assertFalse(bytes.isUnshared());
      assertThrows(IllegalStateException.class, () -> bytes.view(DType.FLOAT32, 12, 3));
      assertThrows(IllegalStateException.class, () -> bytes.view(DType.FLOAT32, 6, 3));
      assertThrows(IllegalStateException.class, () -> bytes.view(DType.FLOAT32, -4, 3));
    }
  }

  @Test
  void useAfterTheLastCloseIsRefused() {
    for (Device device : new Device[] {Device.cpu(1), Device.shapeOnly()}) {
      Tensor tensor = device.floats(2);
      tensor.retain();
      tensor.close();
      assertEquals(2, tensor.toFloats().length);
      tensor.close();
      assertThrows(IllegalStateException.class, tensor::close);
      assertThrows(IllegalStateException.class, tensor::retain);
      assertThrows(IllegalStateException.class, () -> tensor.rows(0, 1));
      assertThrows(IllegalStateException.class, () -> tensor.reshape(1, 2));
      assertThrows(IllegalStateException.class, tensor::segment);
      assertEquals(0, device.memory().currentBytes());
      device.close();
    }
  }

  @Test
  void wrongShapesTypesAndRangesAreRefused() {
    try (Device device = Device.cpu(1);
        Tensor floats = device.zeros(2, 3);
        Tensor ints = device.ints(new int[] {1, 2})) {
      assertThrows(IllegalStateException.class, () -> floats.rows(1, 2));
      assertThrows(IllegalStateException.class, () -> floats.rows(-1, 1));
      assertThrows(IllegalStateException.class, () -> floats.reshape(5));
      assertThrows(IllegalStateException.class, () -> floats.copyFrom(new float[5]));
      assertThrows(IllegalStateException.class, () -> floats.copyFrom(ints));
      assertThrows(IllegalStateException.class, ints::toFloats);
      assertThrows(IllegalStateException.class, () -> floats.requireShape(3, 2));
      assertThrows(ArithmeticException.class, () -> device.floats(1L << 40, 1L << 40));
      assertEquals(32, device.memory().currentBytes());
    }
  }

  @Test
  void shapesWithoutMemoryKeepTheSameBooks() {
    try (Device shapes = Device.shapeOnly();
        Tensor tensor = shapes.zeros(1L << 20, 1L << 15)) {
      assertEquals(1L << 37, shapes.memory().currentBytes());
      assertThrows(IllegalStateException.class, tensor::address);
      assertFalse(shapes.hasHostMemory());
    }
  }
}
