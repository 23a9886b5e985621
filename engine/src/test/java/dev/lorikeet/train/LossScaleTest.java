package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.TrainSettings.LossWeighting;
import dev.lorikeet.data.Example;
import dev.lorikeet.data.GlobalBatch;
import dev.lorikeet.data.MicroBatch;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.fixture.TinyLlama;
import dev.lorikeet.fixture.TinyLlama.Training;
import dev.lorikeet.format.TensorData;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.torch.Device;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Loss scaling on the CPU, where float32 has room for every factor. */
@Tag("native")
final class LossScaleTest {
  private static final int STEPS = 4;

  /** Gradients of float32 leave their range. */
  private static final LossScaling TOO_LARGE = new LossScaling(0x1p127f, 2000);

  /** A tiny model with its trainer. */
  static final class Subject implements AutoCloseable {
    private final TinyLlama llama;
    final Trainer trainer;

    Subject(Device device, Training training, TrainingSetup setup) {
      llama = new TinyLlama(device, training, 0);
      trainer = new Trainer(llama.model(), llama.trained(), setup, device, Collective.solo());
    }

    StepResult attempt(long step) {
      return trainer.attempt(batch(step), StepLimits.NONE);
    }

    List<Parameter> trained() {
      return llama.trained();
    }

    float[] values() {
      return LawFixture.joined(
          llama.trained().stream().map(parameter -> parameter.value().toFloats()).toList());
    }

    /** The gradient of B is as long as A, and that of A as B. */
    void lengthenGradients() {
      for (Parameter parameter : llama.trained()) {
        float[] values = parameter.value().toFloats();
        for (int i = 0; i < values.length; i++) {
          values[i] *= 16;
        }
        parameter.value().copyFrom(values);
      }
    }

    float factor() {
      return state("loss_scale").bytes().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0);
    }

    long goodSteps() {
      return state("loss_scale_good_steps").bytes().get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
    }

    private TensorData state(String name) {
      TensorData data = trainer.optimizerState().get(name);
      if (data == null) {
        throw new AssertionError("no state " + name);
      }
      return data;
    }

    @Override
    public void close() {
      trainer.close();
      llama.close();
    }
  }

  static TrainingSetup plain() {
    return new TrainingSetup(
        new LearningRate(1e-2, new ScheduleShape.Constant(), 0, 100),
        AdamW.Settings.withDecay(0.01),
        0.5,
        LossWeighting.TOKEN,
        42,
        true,
        false);
  }

  /** Two micro-batches of two examples, the same in every step. */
  private static GlobalBatch batch(long step) {
    List<Example> examples = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      int[] tokens = Checkpoints.tokens(i, 5 + 3 * i, TinyLlama.CONFIG.vocabSize());
      examples.add(new Example(i, tokens, 1 + i));
    }
    return new GlobalBatch(
        step,
        0,
        List.of(new MicroBatch(examples.subList(0, 2)), new MicroBatch(examples.subList(2, 4))));
  }

  @ParameterizedTest
  @EnumSource(Training.class)
  void aPowerOfTwoChangesNoBit(Training training) {
    TrainingSetup scaled = plain().withLossScaling(LossScaling.standard());
    try (Device device = Device.cpu(2);
        Subject expected = new Subject(device, training, plain());
        Subject actual = new Subject(device, training, scaled)) {
      for (int step = 0; step < STEPS; step++) {
        StepReport wanted = assertInstanceOf(StepReport.class, expected.attempt(step));
        StepReport found = assertInstanceOf(StepReport.class, actual.attempt(step));
        assertEquals(wanted.loss(), found.loss());
        assertEquals(wanted.gradNorm(), found.gradNorm());
        assertArrayEquals(expected.values(), actual.values(), "step " + step);
      }
      assertEquals(65536f, actual.factor());
      assertEquals(STEPS, actual.goodSteps());
    }
  }

  @Test
  void anOverflowHalvesTheFactorAndChangesNothing() {
    try (Device device = Device.cpu(1);
        Subject expected = new Subject(device, Training.LORA, plain());
        Subject scaled = new Subject(device, Training.LORA, plain().withLossScaling(TOO_LARGE))) {
      expected.lengthenGradients();
      scaled.lengthenGradients();
      float[] start = scaled.values();
      StepResult result = scaled.attempt(0);
      int overflows = 0;
      while (result instanceof BadStep bad) {
        assertEquals(BadStep.Cause.OVERFLOW, bad.cause());
        assertTrue(bad.skipMessage().contains("loss scale, which is halved"), bad.skipMessage());
        assertTrue(Double.isFinite(bad.measured().loss()));
        overflows++;
        assertEquals(Math.scalb(TOO_LARGE.start(), -overflows), scaled.factor());
        assertArrayEquals(start, scaled.values());
        result = scaled.attempt(0);
      }
      assertTrue(overflows > 0 && overflows < 20, overflows + " overflows");
      expected.attempt(0);
      assertArrayEquals(expected.values(), scaled.values());
    }
  }

  @Test
  void aFactorOfOneDoesNotShrink() {
    LossScale scale = new LossScale(new LossScaling(2, 2000));
    assertTrue(scale.canShrink());
    scale.overflowed();
    assertEquals(1f, scale.factor());
    assertFalse(scale.canShrink());
    scale.overflowed();
    assertEquals(1f, scale.factor());
  }

  @Test
  void aLossThatIsNoNumberIsNoOverflow() {
    TrainingSetup setup = plain().withLossScaling(LossScaling.standard());
    try (Device device = Device.cpu(1);
        Subject subject = new Subject(device, Training.LORA, setup)) {
      float[] poison = subject.llama.trained().getFirst().value().toFloats();
      poison[0] = Float.NaN;
      subject.llama.trained().getFirst().value().copyFrom(poison);
      BadStep bad = assertInstanceOf(BadStep.class, subject.attempt(0));
      assertEquals(BadStep.Cause.NOT_FINITE, bad.cause());
      assertEquals(65536f, subject.factor());
    }
  }

  @Test
  void theFactorGrowsAfterGoodSteps() {
    TrainingSetup setup = plain().withLossScaling(new LossScaling(8, 2));
    try (Device device = Device.cpu(1);
        Subject subject = new Subject(device, Training.LORA, setup)) {
      float[] factors = new float[5];
      for (int step = 0; step < factors.length; step++) {
        assertInstanceOf(StepReport.class, subject.attempt(step));
        factors[step] = subject.factor();
      }
      assertArrayEquals(new float[] {8, 16, 16, 32, 32}, factors);
      assertEquals(1, subject.goodSteps());
    }
  }

  @Test
  void aRunGoesOnWithItsFactor() {
    TrainingSetup setup = plain().withLossScaling(new LossScaling(8, 2));
    try (Device device = Device.cpu(1);
        Subject first = new Subject(device, Training.LORA, setup);
        Subject second =
            new Subject(device, Training.LORA, plain().withLossScaling(LossScaling.standard()));
        Subject without = new Subject(device, Training.LORA, plain())) {
      for (int step = 0; step < 3; step++) {
        first.attempt(step);
      }
      Map<String, TensorData> state = first.trainer.optimizerState();
      second.trainer.restoreOptimizer(state);
      assertEquals(16f, second.factor());
      assertEquals(1, second.goodSteps());

      assertThrows(IllegalArgumentException.class, () -> without.trainer.restoreOptimizer(state));
      Map<String, TensorData> plain = without.trainer.optimizerState();
      assertFalse(plain.containsKey("loss_scale"));
      String message =
          assertThrows(IllegalArgumentException.class, () -> second.trainer.restoreOptimizer(plain))
              .getMessage();
      assertTrue(String.valueOf(message).contains("train.compute"));
    }
  }

  @Test
  void factorsThatWouldRoundAreRefused() {
    for (float start : new float[] {0.5f, 3, Float.POSITIVE_INFINITY, Float.NaN, -2}) {
      assertThrows(IllegalStateException.class, () -> new LossScaling(start, 2000));
    }
    assertThrows(IllegalStateException.class, () -> new LossScaling(2, 0));
  }
}
