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
import dev.lorikeet.quant.QuantizationScheme;
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
    "full, adamw, bfloat16, 4e-3",
    "dora, adamw, float32, 1e-4",
    "dora, adamw, bfloat16, 1e-4",
    "qlora, adamw, float32, 1e-4",
    "qdora, adamw, float32, 1e-4"
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

  /** Every base in few bits and every start, over what the host prepares as it does for itself. */
  @ParameterizedTest
  @CsvSource({
    "qlora, model.quantization=fp4;model.double_quant=false, false",
    "qlora, model.quantization=int8, false",
    "qdora, model.quantization=int8, false",
    "lora, adapter.init_lora_weights=pissa, false",
    "lora, adapter.init_lora_weights=pissa_niter_4, false",
    "qlora, adapter.init_lora_weights=loftq;adapter.loftq_iter=2, false",
    "qdora, adapter.init_lora_weights=loftq, false",
    "qdora, train.recompute=true, true",
    "qlora, model.double_quant=false, true",
    "qdora, adapter.lora_dropout=0.1, true",
    "qdora, model.quantization=int8, true",
    "lora, adapter.init_lora_weights=pissa, true",
    "qlora, adapter.init_lora_weights=loftq;adapter.loftq_iter=2, true"
  })
  void everyTechniqueTrainsAsOnTheCpu(String technique, String keys, boolean kernels)
      throws IOException {
    RunConfig config =
        recipe
            .with("adapter.technique=" + technique, "train.max_steps=3")
            .with(keys.split(";", -1));
    Steps expected = new Steps(() -> {});
    FineTuneResult cpu = FineTuning.run(config, FineTuneOptions.defaults(), expected);
    Steps actual = new Steps(() -> {});
    TorchDevice device =
        TorchDevice.standIn(
            kernels ? Optional.of(EmulatedCuda.open(CudaSource.text())) : Optional.empty());
    FineTuneResult torch = FineTuning.run(config, on(device), actual);
    for (int i = 0; i < 3; i++) {
      double loss = expected.reports.get(i).loss();
      assertEquals(loss, actual.reports.get(i).loss(), 1e-4 * loss, "loss " + i);
    }
    assertClose(cpu.output(), torch.output());
    Path base = Path.of("base", "model.safetensors");
    if (keys.contains("loftq_iter")) {
      assertEquals(
          -1,
          Files.mismatch(cpu.directory().resolve(base), torch.directory().resolve(base)),
          "the base that LoftQ made");
    }
    assertEquals(0, device.blocks());
    assertEquals(0, device.host().memory().currentBytes());
  }

  /** A checkpoint in bitsandbytes' layout is read as it is. */
  @ParameterizedTest
  @ValueSource(strings = {"nf4", "fp4", "int8"})
  void aQuantisedCheckpointTrainsAsOnTheCpu(String format) throws IOException {
    Path quantised = folder.resolve("quantised");
    QuantizationScheme scheme =
        QuantizationScheme.of(
            recipe.with("adapter.technique=qlora", "model.quantization=" + format));
    try (Device cpu = Device.cpu(1);
        LoadedModel model =
            LoadedModel.open(recipe.model().name(), Optional.empty(), scheme, cpu)) {
      model.writeQuantised(Files.createDirectory(quantised));
    }
    RunConfig config =
        recipe.with(
            "adapter.technique=qdora", "model.path='" + quantised + "'", "train.max_steps=2");
    Steps expected = new Steps(() -> {});
    FineTuneResult cpu = FineTuning.run(config, FineTuneOptions.defaults(), expected);
    Steps actual = new Steps(() -> {});
    FineTuneResult torch = FineTuning.run(config, on(torch()), actual);
    for (int i = 0; i < 2; i++) {
      double loss = expected.reports.get(i).loss();
      assertEquals(loss, actual.reports.get(i).loss(), 1e-4 * loss, "loss " + i);
    }
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
    try (LoadedModel model = LoadedModel.open(recipe.model().name(), Optional.empty(), device)) {
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
  @ValueSource(strings = {"lora", "full", "qdora"})
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
  @ValueSource(strings = {"lora", "full", "dora", "qlora", "qdora"})
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
