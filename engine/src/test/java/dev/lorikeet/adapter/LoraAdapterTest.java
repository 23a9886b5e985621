package dev.lorikeet.adapter;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** What an adapter does to logits, and that its files say the same. */
@Tag("reference")
final class LoraAdapterTest {
  /**
   * float32 sums of at most 172 terms in three layers: transformers' own logits are 2e-6 from their
   * float64. A merged weight is rounded once more, by 6e-8 of itself.
   */
  private static final double RELATIVE_TOLERANCE = 1e-5;

  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"lora", "rslora"})
  void peftsAdapterGivesPeftsLogits(String name) {
    JsonNode expected = Fixture.json("adapter/" + name + "/expected.json");
    try (Device device = Device.cpu(2);
        LoraAdapter adapter =
            LoraAdapter.read(Fixture.ROOT.resolve("adapter/" + name + "/adapter"), device);
        CausalLm model = build("tied-gqa", device, adapter);
        Fixture logits = new Fixture("adapter/" + name + "/logits.safetensors")) {
      adapter.requireComplete();
      assertEquals(expected.get("scale").asDouble(), adapter.settings().scale());
      assertEquals(4 * 3, adapter.modules().size());
      for (int i = 0; i < expected.get("sequences").size(); i++) {
        int[] tokens = Fixture.ints(expected.get("sequences").get(i).get("tokens"));
        Close.assertRelative(
            logits.floats("logits." + i),
            Checkpoints.logits(model, device, tokens),
            RELATIVE_TOLERANCE,
            name + " sequence " + i);
      }
      assertFalse(expected.get("sequences").isEmpty());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "tied-gqa, 0.0, false",
    "untied-odd, 0.0, false",
    "mha-bias, 0.0, false",
    "llama3-rope, 0.0, false",
    "linear-rope, 0.0, false",
    "tied-gqa-sharded, 0.0, false",
    "tied-gqa-bfloat16, 0.0, false",
    "tied-gqa-float16, 0.0, false",
    "tied-gqa, 0.5, false",
    "untied-odd, 0.5, false",
    "tied-gqa, 0.0, true",
    "untied-odd, 0.5, true",
    "mha-bias, 0.0, true",
    "llama3-rope, 0.0, true",
    "tied-gqa-bfloat16, 0.5, true"
  })
  void attachingAFreshAdapterChangesNoLogit(String name, double dropout, boolean dora) {
    LoraSettings lora = new LoraSettings(8, 16, false, dropout, Targets.allLinear());
    LoraSettings settings = dora ? lora.withDora() : lora;
    try (Device device = Device.cpu(2);
        CausalLm plain = build(name, device, Linear.Wrapper.none());
        LoraAdapter adapter = LoraAdapter.fresh(settings, device, 1);
        CausalLm adapted = build(name, device, adapter)) {
      adapter.requireComplete();
      assertEquals(7 * adapted.layers(), adapter.modules().size());
      int[] tokens = Checkpoints.tokens(3, 29, plain.vocabularySize());
      assertArrayEquals(
          Checkpoints.logits(plain, device, tokens), Checkpoints.logits(adapted, device, tokens));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "tied-gqa, all-linear",
    "untied-odd, all-linear",
    "mha-bias, all-linear",
    "llama3-rope, q_proj",
    "untied-odd, lm_head",
    "linear-rope, model.layers.1.mlp.down_proj"
  })
  void mergedWeightsGiveTheLogitsOfTheAdapter(String name, String target) {
    try (Device device = Device.cpu(2);
        LoraAdapter adapter =
            LoraAdapter.fresh(settings(8, 0, Targets.of(List.of(target))), device, 1);
        CausalLm adapted = build(name, device, adapter);
        CausalLm merged = build(name, device, Linear.Wrapper.none())) {
      adapter.requireComplete();
      learn(adapter, 0.2);
      int[] tokens = Checkpoints.tokens(4, 31, merged.vocabularySize());
      float[] base = Checkpoints.logits(merged, device, tokens);
      adapter.modules().forEach(module -> merge(module, adapter.settings().scale(), merged));
      float[] expected = Checkpoints.logits(merged, device, tokens);
      Close.assertRelative(
          expected, Checkpoints.logits(adapted, device, tokens), RELATIVE_TOLERANCE, name);
      double change = Close.frobenius(base, expected);
      assertTrue(change > 0.01, "the adapter changes the logits by " + change + " only");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "tied-gqa, all-linear, false",
    "tied-gqa, all-linear, true",
    "untied-odd, model.layers.1.self_attn.o_proj, false",
    "untied-odd, lm_head, true"
  })
  void aWrittenAdapterReadsBackBitForBit(String name, String target, boolean rankStabilised) {
    LoraSettings settings =
        new LoraSettings(4, 12.5, rankStabilised, 0.125, Targets.of(List.of(target)));
    for (LoraSettings each : List.of(settings, settings.withDora())) {
      readsBack(name, each);
    }
  }

  private void readsBack(String name, LoraSettings settings) {
    try (Device device = Device.cpu(2);
        LoraAdapter written = LoraAdapter.fresh(settings, device, 1);
        CausalLm first = build(name, device, written)) {
      MergeTest.learn(written);
      written.write(folder, name);
      try (LoraAdapter read = LoraAdapter.read(folder, device);
          CausalLm second = build(name, device, read)) {
        read.requireComplete();
        assertEquals(settings, read.settings());
        assertEquals(names(written), names(read));
        for (int i = 0; i < written.parameters().size(); i++) {
          assertArrayEquals(
              written.parameters().get(i).value().toFloats(),
              read.parameters().get(i).value().toFloats());
        }
        int[] tokens = Checkpoints.tokens(5, 17, first.vocabularySize());
        assertArrayEquals(
            Checkpoints.logits(first, device, tokens), Checkpoints.logits(second, device, tokens));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "training/tied-gqa/start",
        "training/tied-gqa/start-qv",
        "training/untied-odd/start",
        "dora/tied-gqa/moved/start",
        "dora/mha-bias/dropout/final"
      })
  void peftsAdapterIsWrittenAsItWasRead(String path) {
    Path source = Fixture.ROOT.resolve(path);
    String name = path.split("/", -1)[1];
    try (Device device = Device.cpu(2);
        LoraAdapter adapter = LoraAdapter.read(source, device);
        CausalLm model = build(name, device, adapter)) {
      adapter.requireComplete();
      adapter.write(folder, name);
      int perLayer = path.endsWith("qv") ? 2 : 7;
      assertEquals(perLayer * model.layers(), adapter.modules().size());
      try (Fixture expected = new Fixture(path + "/adapter_model.safetensors");
          LoraAdapter again = LoraAdapter.read(folder, device);
          CausalLm _ = build(name, device, again)) {
        for (Parameter parameter : again.parameters()) {
          assertArrayEquals(
              expected.floats("base_model.model." + parameter.name()),
              parameter.value().toFloats());
        }
        assertEquals(adapter.settings(), again.settings());
      }
    }
  }

  private static CausalLm build(String name, Device device, Linear.Wrapper wrapper) {
    return Checkpoints.build(Checkpoints.tiny(name), device, Training.FROZEN, wrapper);
  }

  private static LoraSettings settings(int rank, double dropout, Targets targets) {
    return new LoraSettings(rank, 16, false, dropout, targets);
  }

  private static List<String> names(LoraAdapter adapter) {
    return adapter.parameters().stream().map(Parameter::name).toList();
  }

  /** As if it had been trained: B is no longer zero. */
  private static void learn(LoraAdapter adapter, double deviation) {
    for (Lora module : adapter.modules()) {
      long seed = module.name().hashCode();
      long count = module.b().value().elements();
      module.b().value().copyFrom(Checkpoints.normal(seed, count, deviation));
    }
  }

  /** W + s·B·A in double, rounded once. */
  private static void merge(Lora module, double scale, CausalLm model) {
    Parameter weight =
        model.parameters().stream()
            .filter(parameter -> parameter.name().equals(module.name() + ".weight"))
            .findFirst()
            .orElseThrow();
    float[] w = weight.value().toFloats();
    float[] a = module.a().value().toFloats();
    float[] b = module.b().value().toFloats();
    int in = module.inFeatures();
    int rank = a.length / in;
    for (int i = 0; i < module.outFeatures(); i++) {
      for (int j = 0; j < in; j++) {
        double update = 0;
        for (int k = 0; k < rank; k++) {
          update += (double) b[i * rank + k] * a[k * in + j];
        }
        w[i * in + j] = (float) (w[i * in + j] + scale * update);
      }
    }
    weight.value().copyFrom(w);
  }
}
