package dev.lorikeet.tape;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.fixture.TinyLlama;
import dev.lorikeet.fixture.TinyLlama.Training;
import dev.lorikeet.nn.Pass;
import dev.lorikeet.nn.PassOptions;
import dev.lorikeet.tape.Tape.Mode;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who owns memory and when it goes, on the device that only counts. */
final class TapeTest {

  @Test
  void closedTapesRefuseAndKeepNothing() {
    try (Device device = Device.shapeOnly()) {
      Tape tape = new Tape(device, Mode.RECORD);
      Var x = tape.leaf(device.floats(2, 3));
      tape.close();
      assertEquals(0, device.memory().currentBytes());
      assertThrows(IllegalStateException.class, tape::close);
      assertThrows(IllegalStateException.class, () -> tape.leaf(device.floats(2, 3)));
      assertThrows(IllegalStateException.class, () -> tape.constant(device.floats(2, 3)));
      assertThrows(IllegalStateException.class, () -> tape.backward(x, device.floats(2, 3)));
      assertThrows(IllegalStateException.class, () -> tape.scoped(() -> x));
      assertThrows(IllegalStateException.class, () -> Ops.swiglu(tape, x, x));
      assertEquals(0, device.memory().currentBytes(), "what a closed tape was given is freed");
    }
  }

  @Test
  void closedPassesAndParametersRefuse() {
    try (Device device = Device.shapeOnly()) {
      Pass pass = Pass.inference(device, TinyLlama.batch());
      pass.close();
      assertThrows(IllegalStateException.class, pass::close);
      Parameter parameter = new Parameter("w", device.floats(3), Parameter.Training.TRAINABLE);
      parameter.gradientToAddTo();
      parameter.close();
      assertThrows(IllegalStateException.class, parameter::close);
      assertEquals(0, device.memory().currentBytes());
    }
  }

  @Test
  void frozenParametersHaveNoPlaceForAGradient() {
    try (Device device = Device.shapeOnly();
        Parameter frozen = new Parameter("w", device.floats(3), Parameter.Training.FROZEN)) {
      IllegalStateException refusal =
          assertThrows(IllegalStateException.class, frozen::gradientToAddTo);
      assertEquals("w is frozen and has no gradient", refusal.getMessage());
    }
  }

  @Test
  void gradientsThatNeverCameCannotBeTaken() {
    try (Device device = Device.shapeOnly();
        Tape tape = new Tape(device, Mode.RECORD)) {
      Var x = tape.leaf(device.floats(2, 3));
      assertThrows(IllegalStateException.class, () -> tape.takeGradient(x));
      assertThrows(IllegalStateException.class, () -> tape.scoped(() -> failing(tape, x)));
      Var y = Ops.swiglu(tape, x, x);
      tape.backward(y, device.floats(2, 3));
      tape.takeGradient(x).close();
      assertThrows(IllegalStateException.class, () -> tape.takeGradient(x));
    }
  }

  private static Var failing(Tape tape, Var x) {
    Ops.swiglu(tape, x, x);
    throw new IllegalStateException("in the middle of a part");
  }

  @ParameterizedTest
  @CsvSource({"ALL,false", "ALL,true", "LORA,false", "LORA,true"})
  void everyPassLeavesTheBooksWhereTheyWere(Training training, boolean recompute) {
    try (Device device = Device.shapeOnly()) {
      try (TinyLlama llama = new TinyLlama(device, training, 0.1)) {
        PassOptions options = new PassOptions(Optional.empty(), TinyLlama.dropout(), recompute);
        llama.forwardAndBackward(options); // the parameters' gradients stay
        long before = device.memory().currentBytes();
        long gradients = llama.trained().stream().mapToLong(p -> p.value().bytes()).sum();
        for (int i = 0; i < 5; i++) {
          llama.forwardAndBackward(options);
          llama.loss(options);
          assertEquals(before, device.memory().currentBytes());
        }
        llama.adapter().ifPresent(lora -> assertTrue(gradients < before / 2));
      }
      assertEquals(0, device.memory().currentBytes());
    }
  }

  @Test
  @Tag("native")
  void passesOnTheCpuLeaveTheBooksWhereTheyWere() {
    try (Device device = Device.cpu(2);
        TinyLlama llama = new TinyLlama(device, Training.LORA, 0.1)) {
      PassOptions options = new PassOptions(Optional.empty(), TinyLlama.dropout(), false);
      llama.forwardAndBackward(options);
      long before = device.memory().currentBytes();
      device.memory().resetPeak();
      llama.forwardAndBackward(options);
      long peak = device.memory().peakBytes();
      for (int i = 0; i < 5; i++) {
        llama.forwardAndBackward(options);
        assertEquals(before, device.memory().currentBytes());
        assertEquals(peak, device.memory().peakBytes());
      }
    }
  }

  @Test
  void recomputeHoldsLessAtItsPeak() {
    long[] peaks = new long[2];
    for (boolean recompute : new boolean[] {false, true}) {
      try (Device device = Device.shapeOnly();
          TinyLlama llama = new TinyLlama(device, Training.LORA, 0)) {
        llama.forwardAndBackward(new PassOptions(Optional.empty(), Optional.empty(), recompute));
        peaks[recompute ? 1 : 0] = device.memory().peakBytes();
      }
    }
    assertTrue(peaks[1] < peaks[0], peaks[1] + " bytes instead of " + peaks[0]);
  }

  @Test
  void valuesAreFreedBeforeTheEndOfThePass() {
    try (Device device = Device.shapeOnly();
        Tape tape = new Tape(device, Mode.INFERENCE)) {
      Var x = tape.constant(device.floats(4));
      Var result = tape.scoped(() -> Ops.residual(tape, Ops.residual(tape, x, x), x));
      assertEquals(2 * 16, device.memory().currentBytes(), "x and the result");
      tape.release(x);
      assertEquals(16, device.memory().currentBytes());
      assertThrows(IllegalStateException.class, () -> tape.release(x));
      try (Tensor kept = result.value().retain()) {
        assertEquals(4, kept.elements());
      }
    }
  }
}
