package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.format.SafeTensors;
import dev.lorikeet.job.ResumeRequest.Changes;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.TorchDevice;
import dev.lorikeet.train.StepReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole runs whose products read two bytes a number. */
@Tag("native")
final class TorchComputeRunTest {
  private static final int STEPS = 6;

  @TempDir private Path folder;
  private RunConfig recipe = RunConfig.of("nowhere", Path.of("nothing"));

  @BeforeEach
  void writeModelAndData() throws IOException {
    Path model = TinyModel.write(Files.createDirectory(folder.resolve("tiny")));
    Path train = TinyModel.data(folder.resolve("train.jsonl"), TinyModel.records(0, 20));
    recipe =
        TinyModel.recipe(model, train, folder.resolve("runs"))
            .with(
                "train.epochs=2",
                "train.max_steps=" + STEPS,
                "train.checkpoint_steps=2",
                "train.keep_checkpoints=9",
                "data.validation=0.2");
  }

  private static FineTuneOptions computingIn(DType format) {
    return FineTuneOptions.defaults().on(_ -> TorchDevice.standIn(Optional.empty(), format));
  }

  private static DType format(String compute) {
    return compute.equals("bfloat16") ? DType.BFLOAT16 : DType.FLOAT16;
  }

  /** Losses of the steps; asks for a stop after one of them. */
  private static final class Losses implements RunListener {
    private final List<Double> losses = new ArrayList<>();
    private final StopSignal stop = new StopSignal();
    private final int last;

    Losses(int last) {
      this.last = last;
    }

    @Override
    public void step(StepReport report, Start start, Duration left) {
      losses.add(report.loss());
      if (report.step() == last) {
        stop.request();
      }
    }
  }

  /**
   * The loss of one step is within 22 roundings of float32's, as TorchStepTest derives it; weights
   * that move apart by their roundings within six small steps change it by less than that again.
   */
  @ParameterizedTest
  @CsvSource({
    "lora, bfloat16, float32, 0x1p-8",
    "lora, float16, float32, 0x1p-11",
    "lora, bfloat16, bfloat16, 0x1p-8",
    "full, bfloat16, float32, 0x1p-8",
    "full, float16, float32, 0x1p-11"
  })
  void lossesAreNearThoseOfFloat32(String technique, String compute, String held, double roundoff) {
    RunConfig config = recipe.with("adapter.technique=" + technique, "model.dtype=" + held);
    Losses expected = new Losses(STEPS);
    FineTuning.run(config, FineTuneOptions.defaults(), expected);
    Losses actual = new Losses(STEPS);
    FineTuneResult result =
        FineTuning.run(
            config.with("train.compute=" + compute), computingIn(format(compute)), actual);
    assertEquals(STEPS, actual.losses.size());
    double apart = 0;
    for (int i = 0; i < STEPS; i++) {
      double wanted = expected.losses.get(i);
      double relative = Math.abs(actual.losses.get(i) - wanted) / wanted;
      assertTrue(relative <= 2 * 22 * roundoff, "loss " + i + " differs by " + relative);
      apart = Math.max(apart, relative);
    }
    assertTrue(apart > 1e-7, "nothing was rounded");
    assertTrue(result.validationAfter().orElseThrow() < result.validationBefore().orElseThrow());
  }

  @ParameterizedTest
  @ValueSource(strings = {"bfloat16", "float16"})
  void aStoppedRunGoesOnBitForBit(String compute) throws IOException {
    RunConfig config = recipe.with("train.compute=" + compute);
    FineTuneOptions options = computingIn(format(compute));
    FineTuneResult whole = FineTuning.run(config, options, RunListener.silent());
    Losses stopping = new Losses(4);
    FineTuneResult first = FineTuning.run(config, options.stoppedBy(stopping.stop), stopping);
    assertEquals(4, first.steps());
    Path optimizer = first.directory().resolve("checkpoints/step-4/optimizer.safetensors");
    try (SafeTensors states = SafeTensors.open(optimizer)) {
      assertEquals(compute.equals("float16"), states.entries().containsKey("loss_scale"));
    }
    FineTuneResult second =
        FineTuning.resume(request(first), options, RunListener.silent()).orElseThrow();
    RunFiles.assertSameResult(whole, second);
  }

  private ResumeRequest request(FineTuneResult stopped) {
    return new ResumeRequest(folder.resolve("runs"), stopped.runId(), List.of(), Changes.REFUSE);
  }

  /** As when auto means something else on another GPU. */
  @Test
  void aRunDoesNotGoOnInAnotherFormat() {
    Losses stopping = new Losses(2);
    FineTuneResult first =
        FineTuning.run(recipe, computingIn(DType.BFLOAT16).stoppedBy(stopping.stop), stopping);
    RuntimeException refused =
        assertThrows(
            RuntimeException.class,
            () ->
                FineTuning.resume(
                    request(first), computingIn(DType.FLOAT32), RunListener.silent()));
    assertTrue(String.valueOf(refused.getMessage()).contains("compute"), refused::getMessage);
  }

  @Test
  void theCpuIsRefusedOtherFormats() {
    RunConfig config = recipe.with("train.compute=float16");
    FineTuneOptions options = FineTuneOptions.defaults().on(_ -> Device.cpu(1));
    ConfigException refused =
        assertThrows(
            ConfigException.class, () -> FineTuning.run(config, options, RunListener.silent()));
    assertTrue(refused.getMessage().contains("train.compute: float16"), refused::getMessage);
  }
}
