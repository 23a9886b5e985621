package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.fixture.Close;
import dev.lorikeet.format.SafeTensors;
import dev.lorikeet.generate.Generator;
import dev.lorikeet.generate.Generator.Continuation;
import dev.lorikeet.generate.Sampling;
import dev.lorikeet.job.ResumeRequest.Changes;
import dev.lorikeet.kernel.CudaSource;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.EmulatedCuda;
import dev.lorikeet.torch.TorchDevice;
import dev.lorikeet.train.StepReport;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole runs on a device whose memory the host does not see go where those on the CPU go. */
@Tag("native")
final class TorchRunTest {
  private static final int STEPS = 6;

  @TempDir private Path folder;
  private RunConfig recipe = RunConfig.of("nowhere", Path.of("nothing"));

  @BeforeEach
  void writeModelAndData() {
    recipe =
        TinyModel.recipe(folder, 20)
            .with(
                "train.epochs=2",
                "train.max_steps=" + STEPS,
                "train.checkpoint_steps=2",
                "train.keep_checkpoints=9",
                "data.validation=0.2");
  }

  /** What a run said of its steps. */
  private static final class Steps implements RunListener {
    private final List<StepReport> reports = new ArrayList<>();
    private final Runnable after;

    Steps(Runnable after) {
      this.after = after;
    }

    @Override
    public void step(StepReport report, Start start, Duration left) {
      reports.add(report);
      after.run();
    }
  }

  private static FineTuneOptions on(Device device) {
    return FineTuneOptions.defaults().on(_ -> device);
  }

  private static TorchDevice torch() {
    return TorchDevice.standIn(Optional.empty());
  }

  /**
   * One step's loss is within 2·115·2⁻²⁴ = 1.4e-5 of the CPU's, and its gradients within twice that
   * (LlamaGradientTest); six steps add up. Weights of two bytes may be rounded to a neighbour, 2⁻⁸
   * away, where their masters differ by roundings: seldom, and by no more than that.
   */
  @ParameterizedTest
  @CsvSource({
    "lora, adamw, float32, 1e-4",
    "lora, sgd, float32, 1e-4",
    "lora, sgd;train.momentum=0.9, float32, 1e-4",
    "lora, sgd;train.momentum=0.9;train.nesterov=true, float32, 1e-4",
    "lora, lion, float32, 1e-4",
    "full, adamw, float32, 1e-4",
    "lora, adamw, bfloat16, 1e-4",
    "full, adamw, bfloat16, 4e-3"
  })
  void itTrainsAsTheCpu(String technique, String optimizer, String dtype, double tolerance)
      throws IOException {
    RunConfig config =
        recipe
            .with("adapter.technique=" + technique, "model.dtype=" + dtype)
            .with(("train.optimizer=" + optimizer).split(";", -1));
    Steps expected = new Steps(() -> {});
    FineTuneResult cpu = FineTuning.run(config, FineTuneOptions.defaults(), expected);
    Steps actual = new Steps(() -> {});
    FineTuneResult torch = FineTuning.run(config, on(torch()), actual);
    assertEquals(STEPS, actual.reports.size());
    for (int i = 0; i < STEPS; i++) {
      StepReport wanted = expected.reports.get(i);
      StepReport found = actual.reports.get(i);
      assertEquals(wanted.loss(), found.loss(), tolerance * wanted.loss(), "loss " + i);
      assertEquals(
          wanted.gradNorm(), found.gradNorm(), 2 * tolerance * wanted.gradNorm(), "gradient " + i);
    }
    assertEquals(
        cpu.validationAfter().orElseThrow(),
        torch.validationAfter().orElseThrow(),
        tolerance * cpu.validationAfter().orElseThrow());
    assertEquals(cpu.accuracyAfter(), torch.accuracyAfter());
    assertClose(cpu.output(), torch.output());
  }

  /** Optimisers that have kernels of a GPU and no formula, and those that have both. */
  @ParameterizedTest
  @ValueSource(strings = {"adamw", "adamw_8bit", "adafactor"})
  void itTrainsWithTheKernelsOfAGpu(String optimizer) throws IOException {
    RunConfig config = recipe.with("train.optimizer=" + optimizer, "train.max_steps=2");
    Steps expected = new Steps(() -> {});
    FineTuneResult cpu = FineTuning.run(config, FineTuneOptions.defaults(), expected);
    Steps actual = new Steps(() -> {});
    TorchDevice device = TorchDevice.standIn(Optional.of(EmulatedCuda.open(CudaSource.text())));
    FineTuneResult torch = FineTuning.run(config, on(device), actual);
    for (int i = 0; i < 2; i++) {
      double loss = expected.reports.get(i).loss();
      assertEquals(loss, actual.reports.get(i).loss(), 1e-4 * loss, "loss " + i);
    }
    assertClose(cpu.output(), torch.output());
    assertEquals(0, device.blocks());
  }

  @Test
  void itSaysWhatTheCpuSays() {
    List<int[]> prompts = List.of(new int[] {5, 9, 40}, new int[] {70, 3});
    try (Device cpu = Device.cpu(1)) {
      assertEquals(continuations(cpu, prompts), continuations(torch(), prompts));
    }
  }

  private List<Continuation> continuations(Device device, List<int[]> prompts) {
    try (LoadedModel model = LoadedModel.open(recipe.model().path(), Optional.empty(), device)) {
      return new Generator(model.model(), device, OptionalInt.empty())
          .generate(prompts, 12, Sampling.GREEDY);
    }
  }

  /** Nearly every weight is the CPU's; where a gradient is all noise, a step may go either way. */
  private static void assertClose(Path cpu, Path torch) throws IOException {
    String name =
        Files.exists(cpu.resolve("adapter_model.safetensors"))
            ? "adapter_model.safetensors"
            : "model.safetensors";
    try (SafeTensors expected = SafeTensors.open(cpu.resolve(name));
        SafeTensors actual = SafeTensors.open(torch.resolve(name))) {
      Set<String> names = expected.entries().keySet();
      assertEquals(names, actual.entries().keySet());
      for (String tensor : names) {
        double error = Close.frobenius(floats(expected, tensor), floats(actual, tensor));
        assertTrue(error < 2e-3, tensor + " differs by " + error);
      }
    }
  }

  private static float[] floats(SafeTensors file, String tensor) {
    long count = file.entry(tensor).shape().stream().reduce(1L, (a, b) -> a * b);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment floats = arena.allocate(ValueLayout.JAVA_FLOAT, count);
      file.readFloats(tensor, floats);
      return floats.toArray(ValueLayout.JAVA_FLOAT);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"lora", "full"})
  void aStoppedRunGoesOnBitForBit(String technique) throws IOException {
    RunConfig config = recipe.with("adapter.technique=" + technique);
    FineTuneResult whole = FineTuning.run(config, on(torch()), RunListener.silent());
    StopSignal stop = new StopSignal();
    RunListener stopping = new Listening(4, stop::request);
    FineTuneResult first = FineTuning.run(config, on(torch()).stoppedBy(stop), stopping);
    assertEquals(4, first.steps());
    FineTuneResult second =
        FineTuning.resume(
                new ResumeRequest(folder.resolve("runs"), first.runId(), List.of(), Changes.REFUSE),
                on(torch()),
                RunListener.silent())
            .orElseThrow();
    RunFiles.assertSameResult(whole, second);
  }

  @ParameterizedTest
  @ValueSource(strings = {"lora", "full"})
  void stepsHoldNoMoreThanTheStepBeforeAndReadOnce(String technique) {
    RunConfig config =
        recipe.with(
            "adapter.technique=" + technique, "data.validation=0", "train.checkpoint_steps=100");
    TorchDevice device = torch();
    List<Long> bytes = new ArrayList<>();
    List<Integer> blocks = new ArrayList<>();
    List<Long> downloads = new ArrayList<>();
    FineTuning.run(
        config,
        on(device),
        new Steps(() -> {
          bytes.add(device.memory().currentBytes());
          blocks.add(device.blocks());
          downloads.add(device.downloads());
        }));
    for (int i = 2; i < STEPS; i++) {
      assertEquals(bytes.get(1), bytes.get(i));
      assertEquals(blocks.get(1), blocks.get(i));
      assertEquals(1, downloads.get(i) - downloads.get(i - 1));
    }
    assertEquals(0, device.blocks());
    assertEquals(0, device.memory().currentBytes());
  }

  @ParameterizedTest
  @CsvSource({
    "adapter.technique=dora, adapter.technique: dora",
    "adapter.technique=qlora, adapter.technique: qlora",
    "adapter.technique=qdora, adapter.technique: qdora",
    "adapter.init_lora_weights=pissa, adapter.init_lora_weights: pissa",
    "adapter.init_lora_weights=loftq, adapter.init_lora_weights: loftq",
    "model.quantization=nf4, model.quantization: nf4"
  })
  void whatNeedsTheHostIsRefusedByName(String key, String named) {
    TorchDevice device = torch();
    RunConfig config =
        key.contains("loftq") ? recipe.with("adapter.technique=qlora", key) : recipe.with(key);
    ConfigException refused =
        assertThrows(
            ConfigException.class, () -> FineTuning.run(config, on(device), RunListener.silent()));
    String expected = key.contains("loftq") ? "adapter.technique: qlora" : named;
    assertTrue(refused.getMessage().contains(expected), refused::getMessage);
    assertTrue(refused.getMessage().contains("device: cpu"), refused::getMessage);
    assertEquals(0, device.downloads());
    assertTrue(!Files.exists(folder.resolve("runs")));
  }

  @Test
  void cudaIsRefusedWhereThereIsNone() {
    assumeFalse(Files.exists(Path.of("/dev/nvidia0")), "a GPU is there");
    RunConfig config = recipe.with("device=cuda");
    ConfigException refused = assertThrows(ConfigException.class, () -> FineTuning.run(config));
    assertTrue(refused.getMessage().contains("lorikeet doctor"), refused::getMessage);
    try (Device device = Devices.forTraining(recipe)) {
      assertEquals("cpu", device.name());
    }
  }
}
