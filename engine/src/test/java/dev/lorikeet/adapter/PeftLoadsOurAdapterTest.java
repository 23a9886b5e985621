package dev.lorikeet.adapter;

import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.fixture.PeftCheck;
import dev.lorikeet.format.TargetModules;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.torch.Device;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** PEFT itself loads what Lorikeet writes and gives its logits; needs a Python that has PEFT. */
@Tag("reference")
@Tag("slow")
@TestInstance(Lifecycle.PER_CLASS)
final class PeftLoadsOurAdapterTest {
  private Optional<PeftCheck> peft = Optional.empty();

  @TempDir private Path folder;

  @BeforeAll
  void findPython() {
    peft = Optional.of(PeftCheck.findOrSkip());
  }

  @ParameterizedTest
  @CsvSource({
    "tied-gqa, all-linear, false, false",
    "tied-gqa, all-linear, true, false",
    "untied-odd, all-linear, false, false",
    "untied-odd, model.layers.1.self_attn.o_proj, false, false",
    "mha-bias, v_proj, false, false",
    "tied-gqa, all-linear, false, true",
    "untied-odd, lm_head, false, true",
    "mha-bias, all-linear, true, true"
  })
  void peftGivesOurLogits(String name, String target, boolean rankStabilised, boolean dora) {
    LoraSettings lora = new LoraSettings(4, 12, rankStabilised, 0.1, Targets.of(List.of(target)));
    requirePeftAgrees(name, dora ? lora.withDora() : lora);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "tied-gqa; attention; lm_head; UNIFORM",
        "tied-gqa; .*\\.(gate_proj|embed_tokens); norm; GAUSSIAN",
        "untied-odd; .*(lm_head|q_proj|embed_tokens); layers.1.mlp; PISSA",
        "untied-odd; qv; embed_tokens; PISSA_NITER",
        "mha-bias; mlp; layers.0.self_attn; UNIFORM"
      })
  void peftGivesOurLogitsWithEveryKey(
      String name, String target, String saved, LoraStart.Kind start) {
    LoraSettings settings =
        new LoraSettings(
            4,
            12,
            start == LoraStart.Kind.PISSA,
            0,
            Targets.of(target).without(new TargetModules.Names(List.of("layers.1.mlp.up_proj"))),
            // The second pattern means all, but the first one counts; PEFT sorts them.
            ordered("layers.1.*", 3, ".*_(proj|head|tokens)", 2),
            Map.of(".*0.*", 5.0),
            List.of(saved),
            new LoraStart(start, 3),
            false);
    requirePeftAgrees(name, settings);
  }

  private static Map<String, Integer> ordered(
      String first, int firstRank, String second, int secondRank) {
    Map<String, Integer> patterns = new LinkedHashMap<>();
    patterns.put(first, firstRank);
    patterns.put(second, secondRank);
    return patterns;
  }

  private void requirePeftAgrees(String name, LoraSettings settings) {
    Path base = Checkpoints.tiny(name);
    Path logits = folder.resolve("logits.safetensors");
    try (Device device = Device.cpu(2);
        LoraAdapter adapter = LoraAdapter.fresh(settings, device, 1);
        CausalLm model = Checkpoints.adapted(base, device, adapter)) {
      adapter.requireComplete();
      for (Parameter parameter : adapter.parameters()) {
        if (!parameter.name().contains("lora_A")) {
          move(parameter);
        }
      }
      adapter.write(folder.resolve("adapter"), name);
      PeftCheck.writeLogits(logits, model, device);
    }
    peft.orElseThrow().assertAgrees(base, folder.resolve("adapter"), logits, name + " " + settings);
  }

  private static void move(Parameter parameter) {
    float[] values = parameter.value().toFloats();
    float[] noise = Checkpoints.normal(parameter.name().hashCode(), values.length, 0.1);
    for (int i = 0; i < values.length; i++) {
      values[i] += noise[i];
    }
    parameter.value().copyFrom(values);
  }
}
