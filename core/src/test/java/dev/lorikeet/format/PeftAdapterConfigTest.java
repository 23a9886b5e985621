package dev.lorikeet.format;

import static dev.lorikeet.format.Fixtures.assertSays;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.FormatException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class PeftAdapterConfigTest {
  /** Written by peft 0.21.0: LoraConfig(task_type="CAUSAL_LM", r=4, target_modules=[...]). */
  private static final String WRITTEN_BY_PEFT =
      """
      {
        "alora_invocation_tokens": null,
        "alpha_pattern": {},
        "arrow_config": null,
        "auto_mapping": null,
        "base_model_name_or_path": null,
        "bias": "none",
        "corda_config": null,
        "ensure_weight_tying": false,
        "eva_config": null,
        "exclude_modules": null,
        "fan_in_fan_out": false,
        "inference_mode": true,
        "init_lora_weights": true,
        "kasa_config": null,
        "layer_replication": null,
        "layers_pattern": null,
        "layers_to_transform": null,
        "loftq_config": {},
        "lora_alpha": 8,
        "lora_bias": false,
        "lora_dropout": 0.0,
        "lora_ga_config": null,
        "megatron_config": null,
        "megatron_core": "megatron.core",
        "modules_to_save": null,
        "monteclora_config": null,
        "peft_type": "LORA",
        "peft_version": "0.21.0",
        "qalora_group_size": 16,
        "r": 4,
        "rank_pattern": {},
        "revision": null,
        "target_modules": [
          "q_proj",
          "v_proj"
        ],
        "target_parameters": null,
        "task_type": "CAUSAL_LM",
        "trainable_token_indices": null,
        "use_bdlora": null,
        "use_dora": false,
        "use_qalora": false,
        "use_rslora": false,
        "velora_config": null
      }\
      """;

  @TempDir private Path folder;

  private PeftAdapterConfig read(String json) {
    return PeftAdapterConfig.read(
        Fixtures.write(folder.resolve("adapter_config.json"), json.replace('\'', '"')));
  }

  private FormatException refused(String json) {
    FormatException failure = assertThrows(FormatException.class, () -> read(json));
    assertSays(failure, "adapter_config.json");
    return failure;
  }

  @Test
  void whatPeftWritesIsRead() {
    PeftAdapterConfig config = read(WRITTEN_BY_PEFT);
    assertEquals("LORA", config.peftType());
    assertEquals(4, config.r());
    assertEquals(8.0, config.loraAlpha());
    assertEquals(2.0, config.scale());
    assertEquals(
        Optional.of(new TargetModules.Names(List.of("q_proj", "v_proj"))), config.targetModules());
    assertEquals(Optional.of("CAUSAL_LM"), config.taskType());
    assertEquals(Optional.of("0.21.0"), config.peftVersion());
    assertEquals("true", config.initLoraWeights());
  }

  @Test
  void theMinimumTakesPeftsDefaultsAndUnknownKeysAreTolerated() {
    PeftAdapterConfig config =
        read("{'peft_type': 'LORA', 'target_modules': 'all-linear', 'of_tomorrow': {'x': 1}}");
    assertEquals(8, config.r());
    assertEquals(8.0, config.loraAlpha());
    assertEquals(0.0, config.loraDropout());
    assertEquals("none", config.bias());
    assertEquals(Optional.of(new TargetModules.AllLinear()), config.targetModules());
    assertEquals(Optional.empty(), config.taskType());
  }

  @Test
  void aSingleStringIsAnExpression() {
    assertEquals(
        Optional.of(new TargetModules.Expression(".*\\.q_proj")),
        read("{'peft_type': 'LORA', 'target_modules': '.*\\\\.q_proj'}").targetModules());
  }

  @Test
  void everyKeyOfPeftsIsWrittenInPeftsTypes() {
    PeftAdapterConfig config =
        PeftAdapterConfig.lora(
            16, 32, 0.05, new TargetModules.Names(List.of("q_proj", "v_proj")), "nano");
    assertEquals(
        """
        {
          "alpha_pattern" : { },
          "base_model_name_or_path" : "nano",
          "bias" : "none",
          "exclude_modules" : null,
          "fan_in_fan_out" : false,
          "inference_mode" : true,
          "init_lora_weights" : true,
          "layer_replication" : null,
          "layers_pattern" : null,
          "layers_to_transform" : null,
          "loftq_config" : { },
          "lora_alpha" : 32,
          "lora_bias" : false,
          "lora_dropout" : 0.05,
          "modules_to_save" : null,
          "peft_type" : "LORA",
          "peft_version" : "0.21.0",
          "r" : 16,
          "rank_pattern" : { },
          "revision" : null,
          "target_modules" : [ "q_proj", "v_proj" ],
          "task_type" : "CAUSAL_LM",
          "trainable_token_indices" : null,
          "use_dora" : false,
          "use_rslora" : false
        }
        """,
        config.toJson().replace("\r\n", "\n"));
  }

  @Test
  void configurationsComeBackAsTheyWere() {
    List<PeftAdapterConfig> configs = new ArrayList<>();
    PeftAdapterConfig plain =
        PeftAdapterConfig.lora(3, 12.5, 0.25, new TargetModules.AllLinear(), "C:\\mod \"x\"\n");
    configs.add(plain);
    configs.add(plain.rankStabilised());
    configs.add(
        PeftAdapterConfig.lora(1, 1e-3, 0, new TargetModules.Expression("a|b\\.c"), "base"));
    configs.add(
        read(
            """
            {"peft_type": "LORA", "r": 2, "exclude_modules": ["lm_head"], "layers_pattern": "h",
             "layers_to_transform": [0, 5], "target_modules": ["c"], "revision": "main",
             "init_lora_weights": "gaussian", "inference_mode": false, "lora_alpha": 1e3}
            """));
    configs.add(
        read("{'peft_type': 'LORA', 'init_lora_weights': false, 'layers_to_transform': 3}"));
    for (PeftAdapterConfig config : configs) {
      assertEquals(config, read(config.toJson().replace('\'', '?')));
    }
    assertEquals(12.5 / Math.sqrt(3), configs.get(1).scale());
  }

  @Test
  void patternsAreWrittenWithTheirNumbers() {
    PeftAdapterConfig plain =
        PeftAdapterConfig.lora(3, 12, 0, new TargetModules.AllLinear(), "base");
    PeftAdapterConfig config =
        new PeftAdapterConfig(
            "LORA",
            3,
            12,
            0,
            plain.targetModules(),
            Optional.empty(),
            "none",
            false,
            false,
            List.of("score"),
            Map.of("q_proj", 4),
            Map.of("q_proj", 0.5),
            List.of(),
            List.of(),
            false,
            "true",
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            false,
            Optional.empty());
    String json = config.toJson();
    assertTrue(json.contains("\"rank_pattern\" : {"), json);
    assertTrue(json.contains("\"q_proj\" : 4"), json);
    assertTrue(json.contains("\"q_proj\" : 0.5"), json);
    assertTrue(json.contains("\"modules_to_save\" : [ \"score\" ]"), json);
  }

  @Test
  void patternsKeepTheOrderOfTheFileAndTheFirstMatchCounts() {
    PeftAdapterConfig config =
        read("{'peft_type': 'LORA', 'r': 2, 'rank_pattern': {'v_proj': 3, '[qv]_proj': 4}}");
    assertEquals(List.of("v_proj", "[qv]_proj"), List.copyOf(config.rankPattern().keySet()));
    assertEquals(3, config.rankOf("model.layers.0.self_attn.v_proj"));
    assertEquals(4, config.rankOf("model.layers.0.self_attn.q_proj"));
    assertEquals(2, config.rankOf("model.layers.0.self_attn.k_proj"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"LOHA", "IA3", "PROMPT_TUNING", "lora"})
  void anotherTechniqueIsRefusedByName(String technique) {
    assertSays(
        refused("{'peft_type': '" + technique + "', 'target_modules': ['q']}"),
        "peft_type: expected LORA, found " + technique);
  }

  @Test
  void everyUnsupportedFeatureIsNamedAtOnce() {
    FormatException failure =
        refused(
            """
            {"peft_type": "LORA", "bias": "all", "layer_replication": [[0, 4]],
             "trainable_token_indices": [1], "lora_bias": true,
             "megatron_config": {"a": 1}, "target_parameters": ["p"], "alora_invocation_tokens": [1],
             "arrow_config": {"x": 1}, "kasa_config": {"x": 1}, "monteclora_config": {"x": 1},
             "use_bdlora": {"x": 1}, "use_qalora": true, "ensure_weight_tying": true,
             "init_lora_weights": "pissa_niter_16"}
            """);
    assertSays(
        failure,
        "the adapter uses features that are not supported: layer_replication,"
            + " trainable_token_indices, lora_bias, megatron_config, target_parameters,"
            + " alora_invocation_tokens, arrow_config, kasa_config, monteclora_config, use_bdlora,"
            + " use_qalora, ensure_weight_tying, bias=all, init_lora_weights=pissa_niter_16 (changes"
            + " the base weights on loading). Ignoring them would change its results;");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'r': 4} | peft_type: the key is missing",
        "{'peft_type': 'LORA', 'r': 0} | r: expected an integer of at least 1, found number 0",
        "{'peft_type': 'LORA', 'r': 'eight'} | r: expected an integer, found string",
        "{'peft_type': 'LORA', 'lora_alpha': 0} | lora_alpha: expected a number above 0, found number 0",
        "{'peft_type': 'LORA', 'lora_alpha': NaN} | lora_alpha: expected a number above 0",
        "{'peft_type': 'LORA', 'lora_dropout': 1.0} | lora_dropout: expected a number in [0, 1), found number 1.0",
        "{'peft_type': 'LORA', 'target_modules': [1]} | target_modules: expected a string or a list of strings, found array [1]",
        "{'peft_type': 'LORA', 'use_rslora': 'yes'} | use_rslora: expected true or false",
        "{'peft_type': 'LORA', 'init_lora_weights': 3} | init_lora_weights: expected a string, found number 3",
        "{'peft_type': 'LORA', 'rank_pattern': {'q': 0}} | rank_pattern.q: expected a number above 0, found number 0",
        "{'peft_type': 'LORA', 'alpha_pattern': {'q': -1}} | alpha_pattern.q: expected a number above 0",
        "{'peft_type': 'LORA', 'rank_pattern': {'q(': 2}} | rank_pattern.q(: expected a key that is a regular expression",
        "[] | expected a JSON object, found array []",
      })
  void aWrongValueIsShown(String json, String message) {
    assertSays(refused(json), message);
  }
}
