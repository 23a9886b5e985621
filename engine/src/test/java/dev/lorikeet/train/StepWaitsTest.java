package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import dev.lorikeet.config.TrainSettings.LossWeighting;
import dev.lorikeet.data.Example;
import dev.lorikeet.data.GlobalBatch;
import dev.lorikeet.data.MicroBatch;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.fixture.TinyLlama;
import dev.lorikeet.fixture.TinyLlama.Training;
import dev.lorikeet.job.Devices;
import dev.lorikeet.kernel.CudaSource;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.EmulatedCuda;
import dev.lorikeet.torch.TorchDevice;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A step waits for a device that works beside the host once: losses and the squared length of the
 * gradient are read together, before the update, which depends on them.
 */
@Tag("native")
final class StepWaitsTest {
  private static final int EXAMPLES = 4;

  /** 19 labels an example: two parts of 16 rows alone, five for all of them together. */
  private static final int TOKENS = 20;

  /** Smaller than what 16 rows take, the least that the head takes at a time. */
  private static final long SMALLEST_CHUNK = 1;

  enum Packing {
    PACKED,
    ALONE
  }

  @ParameterizedTest
  @CsvSource({
    "LORA, 1, PACKED, 1, 1.0",
    "LORA, 2, PACKED, 1, 1e-9",
    "LORA, 4, PACKED, 1000000, 1e-9",
    "LORA, 2, ALONE, 1, 0",
    "ALL, 1, PACKED, 1, 1e-9",
    "ALL, 4, ALONE, 1, 1.0"
  })
  void aStepReadsFromItsDeviceOnce(
      Training training, int microBatch, Packing packing, long chunkFloats, double maxGradNorm) {
    try (TorchDevice device = TorchDevice.standIn(Optional.empty())) {
      stepsReadOnce(device, training, microBatch, setup(packing, chunkFloats, maxGradNorm));
    }
  }

  @Test
  void soItDoesInFloat16WithLossScaling() {
    try (TorchDevice device = TorchDevice.standIn(Optional.empty(), DType.FLOAT16)) {
      TrainingSetup setup = setup(Packing.PACKED, SMALLEST_CHUNK, 1e-9);
      stepsReadOnce(device, Training.LORA, 2, setup.withLossScaling(new LossScaling(1024f, 2000)));
    }
  }

  @Test
  void soItDoesWithTheKernelsOfAGpu() {
    try (TorchDevice device =
        TorchDevice.standIn(Optional.of(EmulatedCuda.open(CudaSource.text())))) {
      stepsReadOnce(device, Training.LORA, 2, setup(Packing.PACKED, SMALLEST_CHUNK, 1e-9));
    }
  }

  @Test
  @Tag("gpu")
  void soItDoesOnAGpu() {
    Assumptions.assumeTrue(
        TorchDevice.isCudaLikely(), "a step on a GPU needs one, and a build for CUDA");
    try (TorchDevice device = (TorchDevice) Devices.open("cuda")) {
      stepsReadOnce(device, Training.LORA, 2, setup(Packing.PACKED, SMALLEST_CHUNK, 1e-9));
    }
  }

  private static void stepsReadOnce(
      TorchDevice device, Training training, int microBatch, TrainingSetup setup) {
    try (TinyLlama tiny = new TinyLlama(device, training, 0.1);
        Trainer trainer =
            new Trainer(tiny.model(), tiny.trained(), setup, device, Collective.solo())) {
      for (int step = 0; step < 3; step++) {
        long downloads = device.downloads();
        long waits = device.waits();
        trainer.step(batch(step, microBatch));
        assertEquals(1, device.downloads() - downloads, "step " + step);
        assertEquals(1, device.waits() - waits, "step " + step);
      }
    }
    assertEquals(0, device.blocks());
    assertEquals(0, device.memory().currentBytes());
  }

  @Test
  void soDoesAStepThatIsLeftOut() {
    try (TorchDevice device = TorchDevice.standIn(Optional.empty());
        TinyLlama tiny = new TinyLlama(device, Training.LORA, 0);
        Trainer trainer = trainer(tiny, device)) {
      trainer.step(batch(0, 2));
      long before = device.downloads();
      assertInstanceOf(BadStep.class, trainer.attempt(batch(1, 2), new StepLimits(1e-9, 1e-9)));
      assertEquals(1, device.downloads() - before);
    }
  }

  @Test
  void aValidationReadsOnceAMicroBatch() {
    try (TorchDevice device = TorchDevice.standIn(Optional.empty());
        Device cpu = Device.cpu(1);
        TinyLlama tiny = new TinyLlama(device, Training.LORA, 0);
        TinyLlama same = new TinyLlama(cpu, Training.LORA, 0);
        Trainer trainer = trainer(tiny, device);
        Trainer onCpu = trainer(same, cpu)) {
      Evaluation actual = trainer.evaluate(examples(), 2);
      assertEquals(EXAMPLES / 2, device.downloads());
      Evaluation expected = onCpu.evaluate(examples(), 2);
      assertEquals(expected.accuracy(), actual.accuracy());
      // As in TorchStepTest.
      assertEquals(expected.loss(), actual.loss(), 2 * 115 * 0x1p-24 * expected.loss());
    }
  }

  private static Trainer trainer(TinyLlama tiny, Device device) {
    return new Trainer(
        tiny.model(),
        tiny.trained(),
        setup(Packing.PACKED, SMALLEST_CHUNK, 1.0),
        device,
        Collective.solo());
  }

  private static TrainingSetup setup(Packing packing, long chunkFloats, double maxGradNorm) {
    return new TrainingSetup(
        new LearningRate(2e-3, new ScheduleShape.Constant(), 0, 100),
        AdamW.Settings.withDecay(0.01),
        maxGradNorm,
        LossWeighting.TOKEN,
        42,
        packing == Packing.PACKED,
        false,
        chunkFloats,
        Optional.empty());
  }

  private static GlobalBatch batch(long step, int microBatch) {
    List<MicroBatch> microBatches = new ArrayList<>();
    for (int from = 0; from < EXAMPLES; from += microBatch) {
      microBatches.add(new MicroBatch(examples().subList(from, from + microBatch)));
    }
    return new GlobalBatch(step, 0, microBatches);
  }

  private static List<Example> examples() {
    List<Example> examples = new ArrayList<>();
    for (int i = 0; i < EXAMPLES; i++) {
      examples.add(new Example(i, Checkpoints.tokens(i, TOKENS, TinyLlama.CONFIG.vocabSize()), 1));
    }
    return examples;
  }
}
