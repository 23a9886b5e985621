package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.LorikeetException;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.fixture.Close;
import dev.lorikeet.format.AtomicFolder;
import dev.lorikeet.format.PeftAdapter;
import dev.lorikeet.format.PeftAdapterConfig;
import dev.lorikeet.job.FineTuneResult.End;
import dev.lorikeet.quant.QuantizationScheme;
import dev.lorikeet.quant.QuantizationScheme.OtherFormats;
import dev.lorikeet.quant.QuantizationScheme.Scales;
import dev.lorikeet.torch.Device;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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

/** Whole runs that start as LoftQ: what they leave is all that is needed to ask them again. */
@Tag("native")
final class LoftqRunTest {
  private static final int[] TOKENS = {3, 17, 42, 5, 88, 120, 7};
  private static final QuantizationScheme NF4 =
      new QuantizationScheme(Quantization.NF4, Scales.QUANTISED, 64, OtherFormats.REFUSED);

  @TempDir private Path folder;
  private Path model = Path.of("nowhere");
  private RunConfig recipe = RunConfig.of("nowhere", Path.of("nothing"));
  private final List<String> notices = new ArrayList<>();

  @BeforeEach
  void writeModelAndData() {
    recipe =
        TinyModel.recipe(folder, 20)
            .with(
                "adapter.technique=qlora",
                "adapter.init_lora_weights=loftq",
                "data.validation=0.2",
                "train.max_steps=12",
                "train.epochs=null",
                "train.checkpoint_steps=4");
    model = Path.of(recipe.model().name());
  }

  private FineTuneResult run(RunConfig config, long last) {
    StopSignal stop = new StopSignal();
    return FineTuning.run(
        config,
        FineTuneOptions.defaults().stoppedBy(stop),
        new Listening(notices, last, stop::request));
  }

  private float[] logits(Path of, Optional<Path> adapter, QuantizationScheme base) {
    try (Device device = Device.cpu(2);
        LoadedModel loaded = LoadedModel.open(of.toString(), adapter, base, device)) {
      return Checkpoints.logits(loaded.model(), device, TOKENS);
    }
  }

  @ParameterizedTest
  @CsvSource({"qlora, auto, 1", "qlora, int8, 2", "qdora, auto, 3", "lora, fp4, 5"})
  void whatARunLeavesIsWhatItTrained(String technique, String quantization, int turns) {
    FineTuneResult run =
        FineTuning.run(
            recipe.with(
                "adapter.technique=" + technique,
                "model.quantization=" + quantization,
                "adapter.loftq_iter=" + turns));
    double after = run.validationAfter().orElseThrow();
    assertTrue(after < run.validationBefore().orElseThrow(), "the loss falls");
    Path base = run.directory().resolve("base");
    assertEquals(turns > 1, Files.exists(base));
    PeftAdapterConfig config = PeftAdapter.read(run.output()).config();
    assertEquals("true", config.initLoraWeights());
    String expected = turns > 1 ? base.toString() : model.toString();
    assertEquals(expected, config.baseModelNameOrPath().orElseThrow());
    // The first validation of a run that goes on from the files is the last one of this run.
    RunConfig again =
        recipe.with(
            "model.path='" + expected + "'",
            "model.quantization=" + (turns > 1 ? "auto" : quantization),
            "adapter.technique=" + technique,
            "adapter.init_lora_weights=true",
            "adapter.init_from='" + run.output() + "'",
            "train.max_steps=1");
    assertEquals(after, FineTuning.run(again).validationBefore().orElseThrow());
  }

  @Test
  void anAdapterOfSeveralTurnsIsToldAndRefusedElsewhere() {
    FineTuneResult run = run(recipe.with("adapter.loftq_iter=2"), -1);
    Path base = run.directory().resolve("base");
    assertTrue(notices.getFirst().contains("LoftQ changed the quantised base; it is in " + base));
    assertEquals(Optional.empty(), AtomicFolder.damage(base));
    LorikeetException refused =
        assertThrows(LorikeetException.class, () -> logits(model, Optional.of(run.output()), NF4));
    assertTrue(
        String.valueOf(refused.getMessage()).contains("it was trained on " + base),
        refused.getMessage());
  }

  @ParameterizedTest
  @CsvSource({"qlora, 1", "qlora, 3", "qdora, 2"})
  void mergingGivesTheLogitsOfBaseAndAdapter(String technique, int turns) {
    FineTuneResult run =
        FineTuning.run(
            recipe.with("adapter.technique=" + technique, "adapter.loftq_iter=" + turns));
    Path of = turns > 1 ? run.directory().resolve("base") : model;
    QuantizationScheme base = turns > 1 ? QuantizationScheme.none() : NF4;
    Path out = folder.resolve("merged");
    try (Device device = Device.cpu(2)) {
      AdapterMerge.write(of.toString(), run.output(), out, WeightFormat.FLOAT32, base, device);
    }
    float[] expected = logits(of, Optional.of(run.output()), base);
    float[] merged = logits(out, Optional.empty(), QuantizationScheme.none());
    Close.assertRelative(expected, merged, 1e-5, technique);
    assertTrue(Close.frobenius(logits(of, Optional.empty(), base), expected) > 1e-2);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void aStoppedRunGoesOnBitForBit(int turns) throws IOException {
    RunConfig config = recipe.with("adapter.loftq_iter=" + turns);
    FineTuneResult whole = run(config, -1);
    FineTuneResult first = run(config, 5);
    assertEquals(End.STOPPED, first.ending().end());
    FineTuneResult second = resume(first.runId()).orElseThrow();
    assertEquals(first.directory(), second.directory());
    RunFiles.assertSameResult(whole, second);
    Path base = second.directory().resolve("base/model.safetensors");
    assertEquals(turns > 1, Files.exists(base));
    if (turns > 1) {
      assertArrayEquals(
          Files.readAllBytes(whole.directory().resolve("base/model.safetensors")),
          Files.readAllBytes(base));
    }
  }

  private Optional<FineTuneResult> resume(String run) {
    return FineTuning.resume(
        new ResumeRequest(folder.resolve("runs"), run, List.of(), ResumeRequest.Changes.REFUSE),
        FineTuneOptions.defaults(),
        new Listening(notices));
  }

  @Test
  void aRunWithoutItsBaseDoesNotGoOn() throws IOException {
    FineTuneResult stopped = run(recipe.with("adapter.loftq_iter=2"), 5);
    Path weights = stopped.directory().resolve("base/model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 1] ^= 1;
    Files.write(weights, bytes);
    assertStuck(stopped, "model.safetensors");
    AtomicFolder.remove(stopped.directory().resolve("base"));
    assertStuck(stopped, "it is missing");
    assertFalse(Files.exists(weights));
  }

  private void assertStuck(FineTuneResult stopped, String because) {
    String message =
        String.valueOf(
            assertThrows(LorikeetException.class, () -> resume(stopped.runId())).getMessage());
    assertTrue(message.contains("the base that LoftQ made"), message);
    assertTrue(message.contains(because), message);
  }
}
