package dev.lorikeet.job;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.lorikeet.config.AdapterSettings.Technique;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.fixture.PeftCheck;
import dev.lorikeet.nn.BaseLinear;
import dev.lorikeet.nn.BaseWeight;
import dev.lorikeet.quant.QuantizationScheme;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/**
 * PEFT itself loads the adapter of a whole run and gives its logits; one over a quantised base on
 * the weights that the base's codes stand for.
 */
@Tag("reference")
@Tag("slow")
@TestInstance(Lifecycle.PER_CLASS)
final class PeftLoadsOurRunsTest {
  private Optional<PeftCheck> peft = Optional.empty();

  @TempDir private Path folder;

  @BeforeAll
  void findPython() {
    peft = Optional.of(PeftCheck.findOrSkip());
  }

  @ParameterizedTest
  @EnumSource(mode = Mode.EXCLUDE, names = "FULL")
  void peftGivesTheLogitsOfTunedNano(Technique technique) {
    assertPeftAgrees("nano", technique);
  }

  @ParameterizedTest
  @EnumSource(mode = Mode.EXCLUDE, names = "FULL")
  void peftGivesTheLogitsOfTunedStories(Technique technique) {
    assumeTrue(Files.exists(Checkpoints.STORIES), "stories260K is not at " + Checkpoints.STORIES);
    assertPeftAgrees(Checkpoints.STORIES.toString(), technique);
  }

  /** The head, rank stabilisation, a pattern and a whole saved module besides the blocks' maps. */
  @ParameterizedTest
  @EnumSource(mode = Mode.EXCLUDE, names = "FULL")
  void peftGivesTheLogitsWithKeysThatReachBeyondTheBlocks(Technique technique) {
    assertPeftAgrees(
        "nano",
        technique,
        "adapter.target_modules=.*(_proj|lm_head)",
        "adapter.modules_to_save=[norm]",
        "adapter.use_rslora=true",
        "adapter.rank_pattern={'layers.0.*': 3}",
        "adapter.alpha_pattern={'.*o_proj': 5.0}");
  }

  private void assertPeftAgrees(String model, Technique technique, String... overrides) {
    RunConfig recipe =
        TechniquesTest.recipe(folder, model, technique)
            .with("train.eval_steps=null")
            .with(overrides);
    FineTuneResult run = FineTuning.run(recipe);
    QuantizationScheme base = QuantizationScheme.of(recipe);
    Path logits = folder.resolve("logits.safetensors");
    try (Device device = Device.cpu(2)) {
      try (LoadedModel tuned = LoadedModel.open(model, Optional.of(run.output()), base, device)) {
        PeftCheck.writeLogits(logits, tuned.model(), device);
      }
      peft.orElseThrow()
          .assertAgrees(
              plainBase(model, base, device), run.output(), logits, model + " " + technique);
    }
  }

  /** The base in float32, with what the codes stand for in the place of quantised weights. */
  private Path plainBase(String model, QuantizationScheme base, Device device) {
    Path written = folder.resolve("base-" + Path.of(model).getFileName() + "-" + base.format());
    try (LoadedModel loaded = LoadedModel.open(model, Optional.empty(), base, device)) {
      List<Parameter> weights = new ArrayList<>(loaded.model().parameters());
      List<Parameter> dequantised = new ArrayList<>();
      for (BaseLinear map : loaded.model().quantisedMaps()) {
        Tensor rows = device.floats(map.outFeatures(), map.inFeatures());
        ((BaseWeight) map).readRows(0, rows);
        dequantised.add(new Parameter(map.name() + ".weight", rows, Training.FROZEN));
      }
      weights.addAll(dequantised);
      CheckpointWriter.write(written, loaded.directory(), weights, WeightFormat.FLOAT32);
      dequantised.forEach(Parameter::close);
    }
    return written;
  }
}
