package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.LorikeetException;
import dev.lorikeet.format.AtomicFile;
import dev.lorikeet.format.FloatTensor;
import dev.lorikeet.format.PeftAdapter;
import dev.lorikeet.format.SafeTensors;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whole runs with the adapter section's keys: what a recipe says is what is trained and saved. */
@Tag("native")
final class AdapterKeysTest {
  @TempDir private Path folder;
  private RunConfig recipe = RunConfig.of("nowhere", Path.of("nothing"));

  @BeforeEach
  void writeModelAndData() {
    recipe =
        TinyModel.recipe(folder, 20)
            .with("data.validation=0.2", "train.epochs=null", "train.max_steps=12");
  }

  @Test
  void everyKeyTogetherLearnsAndGoesOnFromItsFiles() {
    RunConfig run =
        recipe.with(
            "adapter.target_modules=[q_proj, up_proj, embed_tokens]",
            "adapter.exclude_modules=[layers.0.mlp.up_proj]",
            "adapter.rank_pattern={q_proj: 3, embed_tokens: 2}",
            "adapter.alpha_pattern={up_proj: 4}",
            "adapter.use_rslora=true",
            "adapter.modules_to_save=[lm_head, model.norm]",
            "adapter.init_lora_weights=gaussian");
    FineTuneResult result = FineTuning.run(run);
    assertLearned(result);
    PeftAdapter files = PeftAdapter.read(result.output());
    assertEquals(
        Set.of(
            "model.layers.0.self_attn.q_proj",
            "model.layers.1.self_attn.q_proj",
            "model.layers.1.mlp.up_proj"),
        files.modules().keySet());
    assertEquals(Set.of("model.embed_tokens"), files.embeddings().keySet());
    assertEquals(Set.of("lm_head.weight", "model.norm.weight"), files.saved().keySet());
    FineTuneResult more =
        FineTuning.run(
            run.with(
                "train.max_steps=1",
                "train.learning_rate=1.0e-30",
                "adapter.init_from='" + result.output() + "'"));
    PeftAdapter again = PeftAdapter.read(more.output());
    assertEquals(files.config(), again.config());
    files
        .saved()
        .forEach((name, tensor) -> assertArrayEquals(tensor.toArray(), saved(again, name)));
  }

  private static float[] saved(PeftAdapter files, String name) {
    FloatTensor tensor = files.saved().get(name);
    return tensor == null ? new float[0] : tensor.toArray();
  }

  @Test
  void pissaLearnsAndIsSavedForTheOriginalBase() throws IOException {
    RunConfig run = recipe.with("adapter.init_lora_weights=pissa", "adapter.r=4");
    FineTuneResult result = FineTuning.run(run);
    assertLearned(result);
    PeftAdapter files = PeftAdapter.read(result.output());
    assertEquals(8, files.config().r());
    assertEquals(32, files.config().loraAlpha());
    FineTuneResult loaded =
        FineTuning.run(
            recipe.with(
                "train.max_steps=1",
                "train.learning_rate=1.0e-30",
                "adapter.r=8",
                "adapter.lora_alpha=32",
                "adapter.init_from='" + result.output() + "'"));
    // The written adapter over the untouched base is as good as the run said.
    assertEquals(
        result.validationAfter().orElseThrow(), loaded.validationBefore().orElseThrow(), 1e-4);
    assertArrayEquals(weights(result), weights(FineTuning.run(run)), "the same bytes again");
  }

  private static byte[] weights(FineTuneResult result) throws IOException {
    return Files.readAllBytes(result.output().resolve("adapter_model.safetensors"));
  }

  @Test
  void frozenLayersKeepEveryBit() {
    for (String choice : List.of("adapter.train=[layers.1, lm_head]", "adapter.freeze=.*norm")) {
      FineTuneResult result = FineTuning.run(recipe.with("adapter.technique=full", choice));
      assertLearned(result);
      Set<String> moved = new TreeSet<>();
      try (SafeTensors before = SafeTensors.open(folder.resolve("tiny/model.safetensors"));
          SafeTensors after = SafeTensors.open(result.output().resolve("model.safetensors"))) {
        for (String name : before.entries().keySet()) {
          if (!java.util.Arrays.equals(values(before, name), values(after, name))) {
            moved.add(name);
          }
        }
      }
      boolean freeze = choice.contains("freeze");
      for (String name : moved) {
        boolean chosen = name.contains("layers.1") || name.startsWith("lm_head");
        assertTrue(freeze ? !name.contains("norm") : chosen, choice + " moved " + name);
      }
      assertTrue(moved.contains("model.layers.1.mlp.up_proj.weight"), moved.toString());
      assertEquals(freeze, moved.contains("model.layers.0.mlp.up_proj.weight"), moved.toString());
    }
  }

  private static float[] values(SafeTensors file, String name) {
    float[] values = new float[Math.toIntExact(file.entry(name).elements())];
    file.readFloats(name, MemorySegment.ofArray(values));
    return values;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "adapter.modules_to_save=[classifier] | adapter.modules_to_save [classifier]: no module of"
            + " the model ends so",
        "adapter.target_modules=[query_key_value] | there are [down_proj, embed_tokens, gate_proj,"
            + " k_proj, lm_head, o_proj, q_proj, up_proj, v_proj]",
        "adapter.r=17 | adapter.r 17 is larger than model.layers.0.self_attn.k_proj allows: [16, 32]"
            + " has at most rank 16",
        "adapter.lora_alpha=0 | adapter.lora_alpha must be a number above 0, found 0",
        "adapter.technique=dora;adapter.target_modules=[embed_tokens] | DoRA is for linear layers,"
            + " lm_head included. Leave it out, or use technique lora",
        "adapter.init_from='src/test/resources/reference/training/tied-gqa/start' | lora_A [8, 64]"
            + " and lora_B [64, 8], but this model's module needs [8, 32] and [32, 8]",
        "adapter.init_from='FOLDER' | peft_type: expected LORA, found IA3"
      })
  void aMistakeIsToldBeforeARunIsRecorded(String overrides, String fragment) {
    AtomicFile.writeString(
        folder.resolve("adapter_config.json"), "{\"peft_type\": \"IA3\", \"target_modules\": []}");
    String[] keys = overrides.replace("FOLDER", folder.toString()).split(";", -1);
    LorikeetException refused =
        assertThrows(LorikeetException.class, () -> FineTuning.run(recipe.with(keys)));
    String message = String.valueOf(refused.getMessage());
    assertTrue(message.contains(fragment), message);
    assertFalse(Files.exists(folder.resolve("runs")));
  }

  private static void assertLearned(FineTuneResult result) {
    double before = result.validationBefore().orElseThrow();
    double after = result.validationAfter().orElseThrow();
    assertTrue(after < before - 0.3, "held-out loss " + before + " to " + after);
  }
}
