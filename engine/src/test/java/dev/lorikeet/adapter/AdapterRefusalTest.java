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
import dev.lorikeet.format.LoraPair;
import dev.lorikeet.format.PeftAdapter;
import dev.lorikeet.format.PeftAdapterConfig;
import dev.lorikeet.format.TargetModules;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Adapters that do not fit are refused with what is wrong and with whose fault it is. */
@Tag("native")
final class AdapterRefusalTest {
  private static final Path FOR_TIED_GQA = Fixture.ROOT.resolve("training/tied-gqa/start");
  private static final Path QUERY_VALUE = Fixture.ROOT.resolve("training/tied-gqa/start-qv");

  @TempDir private Path folder;

  @Test
  void anAdapterOfAnotherBaseIsRefusedWithBothShapes() {
    assertSays(
        FormatException.class,
        () -> attach("untied-odd", device -> LoraAdapter.read(FOR_TIED_GQA, device)),
        FOR_TIED_GQA + ", model.layers.0.self_attn.q_proj: lora_A [8, 64] and lora_B [64, 8]",
        "this model's module needs [8, 48] and [60, 8]",
        "the adapter belongs to another base model");
  }

  @Test
  void modulesThatTheModelDoesNotHaveAreNamedAndCounted() {
    PeftAdapter files = PeftAdapter.read(FOR_TIED_GQA);
    Map<String, LoraPair> modules = new LinkedHashMap<>(files.modules());
    LoraPair pair =
        new LoraPair(
            FloatTensor.of(List.of(8L, 64L), new float[8 * 64]),
            FloatTensor.of(List.of(64L, 8L), new float[64 * 8]));
    modules.put("model.layers.3.self_attn.q_proj", pair);
    modules.put("model.layers.4.self_attn.q_proj", pair);
    PeftAdapter.write(folder, files.config(), modules);
    assertSays(
        FormatException.class,
        () -> attach("tied-gqa", device -> LoraAdapter.read(folder, device)),
        folder + ", model.layers.3.self_attn.q_proj: the model has no linear module of this name",
        "(2 of the adapter's 23 modules are missing)",
        "the adapter belongs to another base model");
  }

  @Test
  void anotherRankThanTheFilesIsRefused() {
    assertSays(
        FormatException.class,
        () ->
            attach(
                "tied-gqa",
                device -> LoraAdapter.readAs(FOR_TIED_GQA, settings(4, "all-linear"), device)),
        FOR_TIED_GQA.toString(),
        "has r 8, but the recipe says adapter.r 4; make them equal");
  }

  @Test
  void anotherScaleThanTheFilesIsRefused() {
    Path stabilised = Fixture.ROOT.resolve("adapter/rslora/adapter");
    assertSays(
        FormatException.class,
        () ->
            attach(
                "tied-gqa",
                device -> LoraAdapter.readAs(stabilised, settings(4, "all-linear"), device)),
        stabilised.toString(),
        "has use_rslora true");
  }

  @Test
  void anotherTechniqueThanTheFilesIsRefused() {
    Path dora = Fixture.ROOT.resolve("dora/tied-gqa/moved/start");
    assertSays(
        FormatException.class,
        () ->
            attach(
                "tied-gqa", device -> LoraAdapter.readAs(dora, settings(4, "all-linear"), device)),
        dora
            + ": the adapter to start from has use_dora true, but the recipe's technique has no"
            + " magnitudes; take the technique that it was made with");
    assertSays(
        FormatException.class,
        () ->
            attach(
                "tied-gqa",
                device ->
                    LoraAdapter.readAs(FOR_TIED_GQA, settings(8, "all-linear").withDora(), device)),
        "has use_dora false, but the recipe's technique trains magnitudes");
  }

  @Test
  void doraOnAnEmbeddingIsRefusedWithWhatThereIs() {
    assertSays(
        ConfigException.class,
        () ->
            attach(
                "tied-gqa",
                device ->
                    LoraAdapter.fresh(settings(8, "q_proj", "embed_tokens").withDora(), device, 0)),
        "adapter.technique dora: adapter.target_modules matches model.embed_tokens, an embedding, and"
            + " DoRA is for linear layers, lm_head included. Leave it out, or use technique lora.");
  }

  @Test
  void otherTargetsThanTheFilesAreRefused() {
    assertSays(
        ConfigException.class,
        () ->
            attach(
                "tied-gqa",
                device -> LoraAdapter.readAs(QUERY_VALUE, settings(8, "all-linear"), device)),
        "adapter.target_modules match 21 modules, but the adapter in " + QUERY_VALUE,
        "is on 6; they differ in model.layers.0.mlp.down_proj and 14 more.",
        "Write the target_modules of that adapter's adapter_config.json into the recipe.");
    assertSays(
        ConfigException.class,
        () ->
            attach(
                "tied-gqa",
                device -> LoraAdapter.readAs(QUERY_VALUE, settings(8, "q_proj"), device)),
        "adapter.target_modules match 3 modules, but the adapter in " + QUERY_VALUE,
        "is on 6; they differ in model.layers.0.self_attn.v_proj and 2 more.");
    attach(
        "tied-gqa",
        device -> LoraAdapter.readAs(QUERY_VALUE, settings(8, "q_proj", "v_proj"), device));
  }

  @Test
  void aRankBeyondALayersSizeIsRefusedWithTheLimit() {
    assertSays(
        ConfigException.class,
        () ->
            attach(
                "llama3-rope", device -> LoraAdapter.fresh(settings(33, "all-linear"), device, 0)),
        "adapter.r 33 is larger than model.layers.0.self_attn.q_proj allows: [32, 32] has at most"
            + " rank 32");
    // k_proj is [16, 32].
    assertSays(
        ConfigException.class,
        () -> attach("llama3-rope", device -> LoraAdapter.fresh(settings(17, "k_proj"), device, 0)),
        "adapter.r 17 is larger than model.layers.0.self_attn.k_proj allows: [16, 32] has at most"
            + " rank 16");
    attach("llama3-rope", device -> LoraAdapter.fresh(settings(16, "k_proj"), device, 0));
  }

  @Test
  void targetsThatMatchNothingAreRefusedWithTheNamesThatThereAre() {
    assertSays(
        ConfigException.class,
        () ->
            attach(
                "tied-gqa",
                device -> LoraAdapter.fresh(settings(8, "q_proj", "query_key_value"), device, 0)),
        "adapter.target_modules [query_key_value]: no linear module or embedding of the model has this name or"
            + " ending; there are [down_proj, embed_tokens, gate_proj, k_proj, lm_head, o_proj, q_proj, up_proj,"
            + " v_proj].");
  }

  @Test
  void anExpressionThatMatchesNothingIsRefused() {
    Targets targets = new Targets(new TargetModules.Expression("transformer\\.h\\..*"));
    assertSays(
        ConfigException.class,
        () ->
            attach(
                "tied-gqa",
                device -> LoraAdapter.fresh(new LoraSettings(8, 16, false, 0, targets), device, 0)),
        "adapter.target_modules [transformer\\.h\\..*]");
  }

  @Test
  void anAdapterThatIsNotThereIsRefused() {
    assertSays(
        ConfigException.class,
        () -> attach("tied-gqa", device -> LoraAdapter.read(folder.resolve("gone"), device)),
        "Cannot load an adapter from " + folder.resolve("gone") + ": there is no such folder");
    assertSays(
        FormatException.class,
        () -> attach("tied-gqa", device -> LoraAdapter.read(folder, device)),
        folder.resolve(PeftAdapterConfig.FILE_NAME).toString());
  }

  @Test
  void settingsOutOfRangeAreRefused() {
    for (double[] numbers : new double[][] {{0, 16, 0}, {8, 0, 0}, {8, 16, 1}, {8, 16, -0.1}}) {
      assertThrows(
          ConfigException.class,
          () ->
              new LoraSettings(
                  (int) numbers[0], numbers[1], false, numbers[2], Targets.allLinear()));
    }
  }

  private static LoraSettings settings(int rank, String... targets) {
    return new LoraSettings(rank, 16, false, 0, Targets.of(List.of(targets)));
  }

  @FunctionalInterface
  private interface Source {
    LoraAdapter open(Device device);
  }

  /** Builds a model with the adapter; whatever happens, no tensor is left. */
  private static void attach(String name, Source source) {
    try (Device device = Device.cpu(1)) {
      try (LoraAdapter adapter = source.open(device);
          CausalLm _ =
              Checkpoints.build(Checkpoints.tiny(name), device, Training.FROZEN, adapter)) {
        adapter.requireComplete();
      } finally {
        assertEquals(0, device.memory().currentBytes(), "bytes left");
      }
    }
  }

  private static void assertSays(
      Class<? extends LorikeetException> type, Runnable action, String... parts) {
    String message = assertThrows(type, action::run).getMessage();
    for (String part : parts) {
      assertTrue(message.contains(part), "\"" + part + "\" is not in: " + message);
    }
  }
}
