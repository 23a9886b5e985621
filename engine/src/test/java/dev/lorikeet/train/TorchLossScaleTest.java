package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.fixture.TinyLlama.Training;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.TorchDevice;
import dev.lorikeet.train.LossScaleTest.Subject;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Loss scaling where products read float16, which has its largest number at 65,504. */
@Tag("native")
final class TorchLossScaleTest {
  private static final int STEPS = 40;

  /**
   * Gradients of 2³⁰ times their size are infinite in float16; growing soon makes them so again.
   */
  private static final LossScaling TOO_LARGE = new LossScaling(0x1p30f, 8);

  private static TrainingSetup setup() {
    return LossScaleTest.plain().withLossScaling(TOO_LARGE);
  }

  private static TorchDevice float16() {
    return TorchDevice.standIn(Optional.empty(), DType.FLOAT16);
  }

  @Test
  void overflowsAreLeftOutAndTrainingGoesOn() {
    try (TorchDevice device = float16();
        Subject subject = new Subject(device, Training.LORA, setup())) {
      float[] start = subject.values();
      int first = 0;
      while (subject.attempt(first) instanceof BadStep bad) {
        assertEquals(BadStep.Cause.OVERFLOW, bad.cause());
        assertTrue(Double.isFinite(bad.measured().loss()));
        assertArrayEquals(start, subject.values());
        first++;
        assertEquals(Math.scalb(TOO_LARGE.start(), -first), subject.factor());
      }
      assertTrue(first > 1 && first < 30, first + " overflows");
      int later = 0;
      double loss = Double.NaN;
      for (int step = first + 1; step < STEPS; step++) {
        switch (subject.attempt(step)) {
          case BadStep bad -> {
            assertEquals(BadStep.Cause.OVERFLOW, bad.cause());
            later++;
          }
          case StepReport report -> loss = report.loss();
        }
      }
      assertTrue(later > 0, "the factor never grew too large again");
      StepReport before = assertInstanceOf(StepReport.class, untrained());
      assertTrue(loss < 0.7 * before.loss(), before.loss() + " became " + loss);
    }
  }

  private static StepResult untrained() {
    try (TorchDevice device = TorchDevice.standIn(Optional.empty());
        Subject subject = new Subject(device, Training.LORA, LossScaleTest.plain())) {
      return subject.attempt(0);
    }
  }

  @Test
  void aRunGoesOnBitForBitBetweenOverflows() {
    try (TorchDevice device = float16();
        Subject whole = new Subject(device, Training.LORA, setup());
        Subject second = new Subject(device, Training.LORA, setup())) {
      for (int step = 0; step < STEPS / 2; step++) {
        whole.attempt(step);
      }
      second.trainer.restoreOptimizer(whole.trainer.optimizerState());
      List<Parameter> from = whole.trained();
      for (int i = 0; i < from.size(); i++) {
        second.trained().get(i).value().copyFrom(from.get(i).value().toFloats());
      }
      for (int step = STEPS / 2; step < STEPS; step++) {
        assertEquals(told(whole.attempt(step)), told(second.attempt(step)));
        assertEquals(whole.factor(), second.factor());
        assertEquals(whole.goodSteps(), second.goodSteps());
        assertArrayEquals(whole.values(), second.values(), "step " + step);
      }
    }
  }

  private static String told(StepResult result) {
    return switch (result) {
      case BadStep bad -> bad.cause() + " " + bad.measured().loss();
      case StepReport report -> report.loss() + " " + report.gradNorm();
    };
  }
}
