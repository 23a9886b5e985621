package dev.lorikeet.adapter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.error.LorikeetException;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.format.FloatTensor;
import dev.lorikeet.format.PeftAdapter;
import dev.lorikeet.format.TargetModules;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nn.CheckpointWeights;
import dev.lorikeet.nn.Weights;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Settings that mean nothing, or two things at once, are refused with what there is. */
@Tag("native")
final class AdapterMisuseTest {
  private static final Path SAVED = Fixture.ROOT.resolve("lora/saved/adapter");
  private static final Path EMBEDDING = Fixture.ROOT.resolve("lora/embedding/adapter");
  private static final Path PATTERNS = Fixture.ROOT.resolve("lora/patterns/adapter");

  @TempDir private Path folder;

  private static LoraSettings settings(
      Targets targets, Map<String, Integer> ranks, Map<String, Double> alphas, String... saved) {
    return new LoraSettings(
        4, 8, false, 0, targets, ranks, alphas, List.of(saved), LoraStart.UNIFORM);
  }

  private static Targets queries() {
    return Targets.of(List.of("q_proj"));
  }

  @Test
  void whatMatchesNothingIsRefused() {
    assertRefused(
        settings(queries(), Map.of("v_proj", 2), Map.of()),
        "adapter.rank_pattern [v_proj]: no adapted module has a name that ends so; there are"
            + " [q_proj].");
    assertRefused(
        settings(queries(), Map.of(), Map.of("q_proj", 2.0, "layers.9.*", 1.0)),
        "adapter.alpha_pattern [layers.9.*]: no adapted module");
    assertRefused(
        settings(queries(), Map.of(), Map.of(), "score", "lm_head"),
        "adapter.modules_to_save [score]: no module of the model ends so; there are [down_proj,",
        "embed_tokens",
        "norm");
    assertRefused(
        settings(queries().inLayers(List.of(1, 7)), Map.of(), Map.of()),
        "adapter.layers_to_transform [7]: the model has no such layers; there are [0, 1].");
    assertRefused(
        settings(queries().without(new TargetModules.Names(List.of("k_prj"))), Map.of(), Map.of()),
        "adapter.exclude_modules [k_prj]: no linear module or embedding of the model has this");
    assertRefused(
        settings(queries().without(new TargetModules.Expression(".*q_proj")), Map.of(), Map.of()),
        "adapter.target_modules match modules, but adapter.exclude_modules");
    assertRefused(
        settings(Targets.of("q_proj"), Map.of(), Map.of()),
        "adapter.target_modules [q_proj]: no linear module or embedding of the model has a name"
            + " that this expression matches as a whole (write names as a list)");
  }

  @Test
  void aModuleIsSavedOrAdapted() {
    assertRefused(
        settings(Targets.of(List.of("q_proj", "up_proj")), Map.of(), Map.of(), "mlp"),
        "adapter.target_modules and adapter.modules_to_save [mlp] both mean"
            + " model.layers.0.mlp.up_proj;");
    // all-linear leaves out what is saved, as in PEFT.
    try (Device device = Device.shapeOnly();
        LoraAdapter adapter =
            LoraAdapter.fresh(settings(Targets.allLinear(), Map.of(), Map.of(), "mlp"), device, 0);
        CausalLm _ = build("untied-odd", device, adapter)) {
      adapter.requireComplete();
      assertEquals(2 * 4, adapter.modules().size());
      assertEquals(2 * 3, adapter.savedParameters().size());
    }
  }

  @Test
  void aRankBeyondALayerIsRefusedUnderItsKey() {
    assertRefused(
        settings(queries(), Map.of("layers.1.self_attn.q_proj", 49), Map.of()),
        "adapter.rank_pattern 49 is larger than model.layers.1.self_attn.q_proj allows: [60, 48]"
            + " has at most rank 48");
    assertRefused(
        settings(Targets.of(List.of("embed_tokens")), Map.of("embed_tokens", 50), Map.of()),
        "adapter.rank_pattern 50 is larger than model.embed_tokens allows: [257, 48]");
  }

  @Test
  void goingOnNeedsTheRanksAndSavedModulesOfTheFiles() {
    Targets targets = Targets.of(List.of("q_proj", "v_proj", "down_proj"));
    assertSays(
        FormatException.class,
        "tied-gqa",
        device ->
            LoraAdapter.readAs(PATTERNS, settings(targets, Map.of("v_proj", 3), Map.of()), device),
        "model.layers.0.self_attn.v_proj: the adapter to start from has rank 2 here, but the"
            + " recipe says 3 (adapter.r, adapter.rank_pattern); make them equal");
    assertSays(
        FormatException.class,
        "untied-odd",
        device ->
            LoraAdapter.readAs(
                SAVED, settings(Targets.of("qv"), Map.of(), Map.of(), "lm_head", "norm"), device),
        "model.embed_tokens.weight: is saved as a whole in the adapter, but not in the recipe's"
            + " adapter.modules_to_save; 1 of its 7 saved weights");
    attach(
        "tied-gqa",
        device ->
            LoraAdapter.readAs(
                PATTERNS,
                settings(
                    targets,
                    Map.of("v_proj", 2, "layers.1.self_attn.q_proj", 6),
                    Map.of("q_proj", 1.0)),
                device));
    attach(
        "untied-odd",
        device ->
            LoraAdapter.readAs(
                SAVED,
                settings(Targets.of("qv"), Map.of(), Map.of(), "lm_head", "norm", "embed_tokens"),
                device));
  }

  @Test
  void anAdapterOfAnotherBaseIsKnownByItsSavedAndBaseWeights() {
    assertSays(
        FormatException.class,
        "tied-gqa",
        device -> LoraAdapter.read(SAVED, device),
        "model.embed_tokens.weight: the adapter has it as [257, 48], but this model as [331, 64]");
    PeftAdapter files = PeftAdapter.read(EMBEDDING);
    Map<String, FloatTensor> base = new LinkedHashMap<>(files.baseWeights());
    String name = "model.embed_tokens.weight";
    assertEquals(List.of(name), List.copyOf(base.keySet()));
    assertSays(
        FormatException.class,
        "tied-gqa-other",
        device -> LoraAdapter.read(EMBEDDING, device),
        name + ": the adapter holds a copy of this base weight that differs at element 5 (");
  }

  @Test
  void filesThatLackASavedWeightAreRefused() {
    PeftAdapter files = PeftAdapter.read(SAVED);
    Map<String, FloatTensor> saved = new LinkedHashMap<>(files.saved());
    saved.remove("model.norm.weight");
    new PeftAdapter(files.config(), files.modules(), Map.of(), saved, Map.of()).write(folder);
    assertSays(
        FormatException.class,
        "untied-odd",
        device -> LoraAdapter.read(folder, device),
        "model.norm.weight: belongs to modules_to_save of adapter_config.json, but");
  }

  private static void assertRefused(LoraSettings settings, String... parts) {
    assertSays(
        ConfigException.class,
        "untied-odd",
        device -> LoraAdapter.fresh(settings, device, 0),
        parts);
  }

  private static void assertSays(
      Class<? extends LorikeetException> type,
      String base,
      Function<Device, LoraAdapter> source,
      String... parts) {
    String message = String.valueOf(assertThrows(type, () -> attach(base, source)).getMessage());
    for (String part : parts) {
      assertTrue(message.contains(part), "\"" + part + "\" is not in: " + message);
    }
  }

  /** Builds a model with the adapter; whatever happens, no tensor is left. */
  private static void attach(String base, Function<Device, LoraAdapter> source) {
    try (Device device = Device.cpu(1)) {
      try (LoraAdapter adapter = source.apply(device);
          CausalLm _ = build(base, device, adapter)) {
        adapter.requireComplete();
      } finally {
        assertEquals(0, device.memory().currentBytes(), "bytes left");
      }
    }
  }

  private static CausalLm build(String base, Device device, LoraAdapter adapter) {
    boolean other = base.endsWith("-other");
    String name = other ? base.substring(0, base.length() - "-other".length()) : base;
    return Checkpoints.build(
        Checkpoints.tiny(name),
        device,
        adapter,
        checkpoint -> {
          Weights weights = new CheckpointWeights(checkpoint, device, Training.FROZEN);
          return adapter.over(other ? new OtherWeights(weights) : weights);
        });
  }
}
