package dev.lorikeet.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.AdapterSettings.Technique;
import dev.lorikeet.config.DataSettings.Validation;
import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.error.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecipeTest {
  private static final String SMALLEST = "model: {path: nano}\ndata: {train: a.json}\n";

  /** The recipe of the documentation, with every default written out. */
  private static final String DOCUMENTED =
      """
      model:   {path: nano, dtype: auto}
      adapter: {technique: lora, r: 8, lora_alpha: 16, lora_dropout: 0.0, \
      target_modules: all-linear, exclude_modules: null, layers_to_transform: [], \
      rank_pattern: {}, alpha_pattern: {}, use_rslora: false, modules_to_save: [], \
      init_lora_weights: true, train: null, freeze: null, loraplus_lr_ratio: null, \
      init_from: null}
      data:    {train: a.json, sources: [], query: null, columns: {}, validation: 0.05, \
      format: auto, prompt: auto, loss: null, on_bad_record: stop, max_seq_len: 512, \
      packing: true, mask_prompt: true, shuffle: true}
      train:   {epochs: 1, max_steps: null, global_batch: 16, micro_batch: 4, \
      learning_rate: 2.0e-4, optimizer: adamw, adam_beta1: 0.9, adam_beta2: null, \
      adam_epsilon: 1.0e-8, momentum: 0.0, nesterov: false, weight_decay: 0.0, no_decay: [], \
      schedule: cosine, min_learning_rate_ratio: 0.0, schedule_cycles: 1, schedule_power: 1.0, \
      decay_steps: null, decay_ratio: 0.1, warmup_steps: 10, warmup_ratio: null, \
      max_grad_norm: 1.0, seed: 42, recompute: false, compute: auto, loss_weighting: token, \
      eval_steps: null, eval_seconds: null, early_stopping_patience: null, \
      early_stopping_min_delta: 0.0, load_best_at_end: false, checkpoint_steps: null, \
      keep_checkpoints: 2, on_bad_step: stop, spike_factor: null, grad_norm_spike_factor: null}
      output:  {dir: runs}
      device: auto
      """;

  /** A recipe that sets every key. */
  private static final String EVERY_KEY =
      """
      model:
        path: /models/tiny
      adapter: {technique: lora, r: 4, lora_alpha: 2.5, lora_dropout: 0.1,
        target_modules: [q_proj, v_proj], exclude_modules: ".*[.]0[.].*",
        layers_to_transform: [1, 2], rank_pattern: {v_proj: 2, q_proj: 3},
        alpha_pattern: {"layers.1.self_attn.q_proj": 4}, use_rslora: true,
        modules_to_save: [lm_head], init_lora_weights: gaussian, loraplus_lr_ratio: 16,
        init_from: adapters/a}
      data: {train: t.jsonl, query: SELECT * FROM data, columns: {prompt: question},
        validation: v.jsonl, format: prompt_completion, prompt: mine.jinja, loss: all,
        on_bad_record: skip,
        max_seq_len: 64, packing: false, mask_prompt: false, shuffle: false}
      train: {epochs: null, max_steps: 7, global_batch: 6, micro_batch: 2,
        learning_rate: 1e-4, optimizer: sgd, momentum: 0.9, nesterov: true, weight_decay: 0.01,
        no_decay: [bias, 'norm\\.'], schedule: warmup_stable_decay,
        min_learning_rate_ratio: 0.1, decay_steps: 3, warmup_ratio: 0.25,
        max_grad_norm: 0, seed: -3, recompute: true, compute: bfloat16, loss_weighting: micro_batch,
        eval_steps: 50, eval_seconds: 600, early_stopping_patience: 3,
        early_stopping_min_delta: 0.01, load_best_at_end: true, checkpoint_steps: 20,
        keep_checkpoints: 5, on_bad_step: skip, spike_factor: 2.5, grad_norm_spike_factor: 10}
      output: {dir: out}
      device: cuda:1
      """;

  @Test
  void defaultsAreThoseOfTheDocumentedRecipe() {
    assertEquals(parse(DOCUMENTED), parse(SMALLEST));
    assertEquals(parse(DOCUMENTED), RunConfig.of("nano", Path.of("a.json")));
  }

  @Test
  void everyKeyReachesItsComponent() {
    RunConfig config = parse(EVERY_KEY);
    assertEquals(Optional.of("/models/tiny"), config.model().path());
    assertEquals(
        new AdapterSettings(
            Technique.LORA,
            4,
            2.5,
            0.1,
            new ModuleSelection.Names(List.of("q_proj", "v_proj")),
            Optional.of(new ModuleSelection.Text(".*[.]0[.].*")),
            List.of(1, 2),
            Map.of("v_proj", 2, "q_proj", 3),
            Map.of("layers.1.self_attn.q_proj", 4.0),
            true,
            List.of("lm_head"),
            new InitLoraWeights.Gaussian(),
            1,
            Optional.empty(),
            Optional.empty(),
            OptionalDouble.of(16),
            Optional.of(Path.of("adapters/a"))),
        config.adapter());
    assertEquals(List.of("v_proj", "q_proj"), List.copyOf(config.adapter().rankPattern().keySet()));
    assertEquals(
        new DataSettings(
            Optional.of(Path.of("t.jsonl")),
            Optional.empty(),
            "main",
            List.of(),
            List.of(),
            Optional.of("SELECT * FROM data"),
            Map.of("prompt", "question"),
            new Validation.File(Path.of("v.jsonl")),
            DataSettings.Format.PROMPT_COMPLETION,
            "mine.jinja",
            Optional.of(DataSettings.Loss.ALL),
            DataSettings.BadRecordPolicy.SKIP,
            64,
            false,
            false,
            false),
        config.data());
    assertEquals(
        new TrainSettings(
            OptionalInt.empty(),
            OptionalInt.of(7),
            6,
            new MicroBatchSize.Examples(2),
            1e-4,
            TrainSettings.Optimizer.SGD,
            0.9,
            OptionalDouble.empty(),
            1e-8,
            0.9,
            true,
            0.01,
            List.of("bias", "norm\\."),
            TrainSettings.Schedule.WARMUP_STABLE_DECAY,
            0.1,
            1,
            1.0,
            OptionalInt.of(3),
            0.1,
            10,
            OptionalDouble.of(0.25),
            0,
            -3,
            true,
            TrainSettings.Compute.BFLOAT16,
            TrainSettings.LossWeighting.MICRO_BATCH,
            OptionalInt.of(50),
            OptionalInt.of(600),
            OptionalInt.of(3),
            0.01,
            true,
            OptionalInt.of(20),
            5,
            TrainSettings.BadStepPolicy.SKIP,
            OptionalDouble.of(2.5),
            OptionalDouble.of(10)),
        config.train());
    assertEquals(3, config.train().gradAccumSteps());
    assertEquals(Path.of("out"), config.output().dir());
    assertEquals("cuda:1", config.device());
  }

  @Test
  void writtenRecipeParsesToAnEqualConfiguration() {
    List<List<String>> changes =
        List.of(
            List.of(),
            List.of("adapter.technique=full", "train.max_steps=9", "train.epochs=null"),
            List.of("adapter.target_modules=[q_proj, \"true\", \"a: b #\"]"),
            List.of("adapter.target_modules=qv", "adapter.layers_to_transform=[0, 7]"),
            List.of("adapter.target_modules='.*\\.(q|v)_proj'", "adapter.exclude_modules=[a.b]"),
            List.of("adapter.rank_pattern={\"a: b\": 3, a.c: 4}", "adapter.alpha_pattern={x: 0.5}"),
            List.of("adapter.init_lora_weights=pissa_niter_16"),
            List.of("adapter.init_lora_weights=pissa", "adapter.use_rslora=true"),
            List.of(
                "adapter.technique=qdora",
                "adapter.init_lora_weights=loftq",
                "adapter.loftq_iter=5"),
            List.of("adapter.init_lora_weights=\"true\"", "adapter.modules_to_save=[norm]"),
            List.of("adapter.technique=full", "adapter.train=[lm_head, layers.1]"),
            List.of("adapter.technique=full", "adapter.freeze='.*norm'"),
            List.of("adapter.init_from=\"tab\\there \\u00e9 \\U0001F600\"", "data.validation=0"),
            List.of("data.train='on'", "data.validation=\"1e-4\"", "output.dir=\"C:\\\\runs\""),
            List.of("train.micro_batch=auto"),
            List.of("train.optimizer=lion", "train.adam_beta2=0.95", "train.no_decay=[norm]"),
            List.of("train.learning_rate=1e-300", "train.seed=-9223372036854775808"));
    for (List<String> change : changes) {
      RunConfig config = Recipe.parse(SMALLEST, "test", change);
      assertEquals(config, parse(config.toYaml()), config.toYaml());
      for (String key : RecipeKeys.all()) {
        String last = key.substring(key.lastIndexOf('.') + 1);
        assertTrue(config.toYaml().contains(last + ": "), last);
      }
    }
  }

  @Test
  void adapterKeysThatContradictEachOtherAreRefused() {
    assertRefused(
        "adapter.modules_to_save and adapter.target_modules both name lm_head;",
        "adapter.target_modules=[q_proj, lm_head]",
        "adapter.modules_to_save=[lm_head]");
    assertRefused(
        "adapter.layers_to_transform needs names or a preset",
        "adapter.target_modules=.*q_proj",
        "adapter.layers_to_transform=[0]");
    assertRefused(
        "adapter.technique: full has no adapter, so",
        "adapter.technique=full",
        "adapter.rank_pattern={q_proj: 4}");
    assertRefused(
        "adapter.technique: full has no adapter, so",
        "adapter.technique=full",
        "adapter.init_lora_weights=pissa");
    assertRefused(
        "adapter.train and adapter.freeze exclude each other",
        "adapter.technique=full",
        "adapter.train=[a]",
        "adapter.freeze=[b]");
    assertRefused(
        "adapter.init_lora_weights: pissa computes the start from the base model",
        "adapter.init_lora_weights=pissa",
        "adapter.init_from=a");
    assertRefused(
        "adapter.init_lora_weights: loftq computes the start from the base model",
        "adapter.technique=qlora",
        "adapter.init_lora_weights=loftq",
        "adapter.init_from=a");
    assertRefused(
        "adapter.loftq_iter belongs to adapter.init_lora_weights: loftq", "adapter.loftq_iter=2");
    assertRefused(
        "adapter.loftq_iter must be a whole number of at least 1, found 0", "adapter.loftq_iter=0");
    assertRefused(
        "loftq starts from what quantisation loses, but the base is not quantised",
        "adapter.init_lora_weights=loftq");
    assertRefused("did you mean adapter.loftq_iter?", "adapter.loftq_config=2");
  }

  @Test
  void halfOfACharacterIsRefusedWithItsLine() {
    String padding = "#" + "x".repeat(1022) + "\n";
    ConfigException refused =
        assertThrows(
            ConfigException.class,
            () -> Recipe.parse(padding + SMALLEST + "\uD83D", "test", List.of()));
    assertTrue(
        String.valueOf(refused.getMessage()).contains("holds half of a character, U+D83D"),
        refused.getMessage());
  }

  private static void assertRefused(String message, String... overrides) {
    ConfigException refused =
        assertThrows(
            ConfigException.class, () -> Recipe.parse(SMALLEST, "test", List.of(overrides)));
    assertTrue(String.valueOf(refused.getMessage()).contains(message), refused.getMessage());
  }

  @Test
  void overridesWinOverTheFileAndTheLastOneWins() {
    RunConfig config =
        Recipe.parse(
            SMALLEST + "train: {epochs: 5}\n",
            "test",
            List.of("train.epochs=2", "device=cpu", "train.epochs=3", "adapter.init_from="));
    assertEquals(OptionalInt.of(3), config.train().epochs());
    assertEquals("cpu", config.device());
    assertEquals(4, config.with("adapter.r=4").adapter().r());
  }

  @Test
  void allProblemsAreReportedAtOnceInTheOrderOfTheFile() {
    ConfigException e =
        assertThrows(
            ConfigException.class,
            () ->
                Recipe.parse(
                    """
                    model:
                      dtype: bf16
                    data:
                      train: 5
                      max_seq_len: 1
                    train:
                      learing_rate: 1e-4
                      global_batch: 10
                      warmup_steps: ten
                    eval: {}
                    """,
                    "my.yaml",
                    List.of("adapter.r=0", "nonsense")));
    assertEquals(
        """
        my.yaml has 10 problems:
          - line 2: model.dtype must be one of auto, float32, bfloat16, float16, found the text "bf16"
          - line 4: data.train must be a path, found 5
          - line 5: data.max_seq_len must be a whole number of at least 2, found 1
          - line 7: train.learing_rate is unknown; did you mean train.learning_rate?
          - line 8: train.global_batch must be a multiple of train.micro_batch, found 10 and 4
          - line 9: train.warmup_steps must be a whole number, found the text "ten"
          - line 10: eval is not available yet; leave it out
          - --set nonsense: an override is written key=value, as in train.epochs=2
          - model.path is missing, and so is model.id; give a folder or the repository of a hub
          - --set adapter.r=0: adapter.r must be a whole number of at least 1, found 0\
        """,
        e.getMessage());
    assertEquals(2, e.exitCode());
  }

  @Test
  void unknownKeysAreAnsweredWithTheNearestValidOne() {
    assertProblem("train: {epoch: 2}", "train.epoch is unknown; did you mean train.epochs?");
    assertProblem("train: {max_seq_len: 2}", "train.max_seq_len is unknown; did you mean data.max");
    assertProblem("lora_alpha: 2", "lora_alpha is unknown; did you mean adapter.lora_alpha?");
    assertProblem("adaptor: {r: 2}", "adaptor is unknown; did you mean adapter?");
    assertProblem("train: {lr: 2}", "train.lr is unknown; did you mean train.learning_rate?");
    assertProblem("adapter: {rank: 2}", "adapter.rank is unknown; did you mean adapter.r?");
    assertProblem("adapter: {x: 2}", "adapter.x is unknown; the keys there are adapter.tech");
    assertProblem("output: {zzzzzz: 2}", "output.zzzzzz is unknown; the keys there are output.dir");
  }

  @Test
  void reservedKeysAreNotAvailableYet() {
    for (String key : List.of("data.clean", "eval", "plan")) {
      assertOverrideProblem(key + "=x", key + " is not available yet; leave it out");
    }
  }

  @Test
  void aModelComesFromAFolderOrFromAHub() {
    RunConfig config =
        Recipe.parse("model: {id: parrots/tiny}\ndata: {train: t}\n", "my.yaml", List.of());
    assertEquals(Optional.of("parrots/tiny"), config.model().id());
    assertEquals(Optional.empty(), config.model().path());
    assertEquals("main", config.model().revision());
    assertEquals("parrots/tiny", config.model().name());
    String commit = "1".repeat(40);
    RunConfig pinned = config.with("model.revision='" + commit + "'");
    assertEquals("parrots/tiny@" + commit, pinned.model().name());
    assertEquals(pinned, Recipe.parse(pinned.toYaml(), "again", List.of()));
    assertFalse(config.model().embedded());

    assertOverrideProblem("model.id=parrots/tiny", "model.id and model.path are both given");
    assertOverrideProblem("model.revision=v1", "model.revision is that of a repository");
    assertOverrideProblem("model.path=null", "model.path is missing, and so is model.id");
    assertOverrideProblem("model.repo_id=a", "did you mean model.id?");
  }

  @Test
  void severalSourcesAreReadAndWritten() {
    RunConfig config =
        parse(
            """
            model: {path: nano}
            data:
              sources:
                - {path: a.jsonl, weight: 2}
                - {path: b.csv, format: completion, columns: {prompt: question}}
                - {path: c.parquet, query: SELECT * FROM data WHERE n > 3}
            """);
    List<SourceSettings> expected =
        List.of(
            source("a.jsonl", 2, DataSettings.Format.AUTO, Map.of(), Optional.empty()),
            source(
                "b.csv",
                1,
                DataSettings.Format.COMPLETION,
                Map.of("prompt", "question"),
                Optional.empty()),
            source(
                "c.parquet",
                1,
                DataSettings.Format.AUTO,
                Map.of(),
                Optional.of("SELECT * FROM data WHERE n > 3")));
    assertEquals(expected, config.data().sources());
    assertEquals(expected, config.data().trainSources());
    assertEquals(config, Recipe.parse(config.toYaml(), "again", List.of()));
  }

  private static SourceSettings source(
      String path,
      double weight,
      DataSettings.Format format,
      Map<String, String> columns,
      Optional<String> query) {
    return new SourceSettings(
        Optional.of(Path.of(path)),
        Optional.empty(),
        "main",
        List.of(),
        weight,
        format,
        columns,
        query);
  }

  @Test
  void aDataSetOfTheHubIsNamedByItsId() {
    RunConfig config =
        parse(
            """
            model: {path: nano}
            data: {id: parrots/talk, revision: v1, files: ['data/*.parquet']}
            """);
    SourceSettings expected =
        new SourceSettings(
            Optional.empty(),
            Optional.of("parrots/talk"),
            "v1",
            List.of("data/*.parquet"),
            1,
            DataSettings.Format.AUTO,
            Map.of(),
            Optional.empty());
    assertEquals(List.of(expected), config.data().trainSources());
    assertEquals(config, Recipe.parse(config.toYaml(), "again", List.of()));
    RunConfig local = config.withSources(List.of(expected.at(Path.of("a, 'b'.parquet"))));
    assertEquals(Path.of("a, 'b'.parquet"), local.data().trainSources().getFirst().place());
    assertEquals(config.train(), local.train());
  }

  @Test
  void mistakesInDataSetsOfTheHubAreTold() {
    assertOverrideProblem("data.id=b", "data.id: data.train is given, too");
    assertOverrideProblem("data.files=['*']", "is for a data set of the hub");
    assertOverrideProblem("data.revision=v2", "is for a data set of the hub");
    assertOverrideProblem("data.sources=[{weight: 2}]", "data.sources.path is missing");
    assertOverrideProblem("data.sources=[{path: a, id: b/c}]", "data.sources.path is given, too");
    assertOverrideProblem("data.sources=[{path: a, files: ['*']}]", "is for a data set of the hub");
  }

  @Test
  void mistakesInSourcesAreTold() {
    String sources = "data.sources=";
    assertOverrideProblem(sources + "x", "data.sources must be a list of sections such as");
    assertOverrideProblem(sources + "[x]", "data.sources must hold sections such as {path: a");
    assertOverrideProblem(
        sources + "[{path: a}, {path: b, weight: 0}]",
        "data.sources.weight must be a number above 0, found 0.0 (entry 2)");
    assertOverrideProblem(
        sources + "[{path: a, wieght: 1}]",
        "data.sources.wieght is unknown; did you mean data.sources.weight? (entry 1)");
    assertOverrideProblem(sources + "[{path: a}]", "data.sources and data.train are both given");
    assertOverrideProblem("data.columns={prompt: 3}", "data.columns prompt must be a text");
    assertOverrideProblem("data.columns=x", "data.columns must be names with names such as");
    assertOverrideProblem(
        "data.columns={prompt: a, response: a}", "data.columns must not use a column twice");
    assertOverrideProblem("data.prompt=alpacca", "data.prompt must be one of auto, template");
    assertOverrideProblem("data.loss=none", "data.loss must be one of response, all, last_turn");
  }

  @Test
  void theLossOnResponsesContradictsTrainedPrompts() {
    RunConfig config = parse(SMALLEST);
    assertEquals(DataSettings.Loss.RESPONSE, config.data().learned());
    assertEquals(DataSettings.Loss.ALL, config.with("data.mask_prompt=false").data().learned());
    assertEquals(DataSettings.Loss.LAST_TURN, config.with("data.loss=last_turn").data().learned());
    assertThrows(
        ConfigException.class, () -> config.with("data.mask_prompt=false", "data.loss=last_turn"));
  }

  @Test
  void qloraIsAPresetThatAnotherQuantisedFormatOverrides() {
    RunConfig lora = parse(SMALLEST);
    assertEquals(Quantization.NONE, lora.baseQuantization());
    RunConfig qlora = lora.with("adapter.technique=qlora");
    assertEquals(Quantization.NF4, qlora.baseQuantization());
    assertTrue(qlora.model().doubleQuant());
    assertEquals(64, qlora.model().quantBlockSize());
    assertEquals(qlora, Recipe.parse(qlora.toYaml(), "again", List.of()));
    assertEquals(Quantization.INT8, qlora.with("model.quantization=int8").baseQuantization());
    assertEquals(Quantization.FP4, lora.with("model.quantization=fp4").baseQuantization());
  }

  @Test
  void aQuantisedBaseIsRefusedWhereItContradicts() {
    assertOverrideProblems(
        "model.quantization: none contradicts adapter.technique: qlora",
        "adapter.technique=qlora",
        "model.quantization=none");
    assertOverrideProblems(
        "model.quantization: nf4 holds frozen weights in few bits, but adapter.technique: full",
        "adapter.technique=full",
        "model.quantization=nf4");
    for (String size : List.of("16", "48", "8192", "0", "-64")) {
      assertOverrideProblem(
          "model.quant_block_size=" + size,
          "model.quant_block_size must be a power of two from 32 to 4096, found " + size);
    }
    assertOverrideProblem(
        "model.quantization=nf8", "must be one of auto, none, nf4, fp4, int8, found the text");
  }

  private static void assertOverrideProblems(String message, String... overrides) {
    ConfigException refused =
        assertThrows(
            ConfigException.class, () -> Recipe.parse(SMALLEST, "recipe", List.of(overrides)));
    assertTrue(String.valueOf(refused.getMessage()).contains(message), refused.getMessage());
  }

  @Test
  void wrongTypesNameWhatWasExpectedAndFound() {
    assertOverrideProblem("train.seed=1.5", "train.seed must be a whole number, found 1.5");
    assertOverrideProblem("train.epochs=yes", "train.epochs must be a whole number or null");
    assertOverrideProblem(
        "train.epochs=3000000000",
        "train.epochs must be a whole number from -2147483648 to 2147483647, found 3000000000");
    assertOverrideProblem("train.learning_rate=fast", "must be a number, found the text \"fast\"");
    assertOverrideProblem("train.learning_rate=.nan", "train.learning_rate must be a number");
    assertOverrideProblem("train.learning_rate=.inf", "train.learning_rate must be a number");
    assertOverrideProblem("data.packing=1", "data.packing must be true or false, found 1");
    assertOverrideProblem("data.shuffle=null", "data.shuffle must be true or false, found null");
    assertOverrideProblem(
        "data.format=csv", "one of auto, alpaca, completion, prompt_completion, chat");
    assertOverrideProblem("data.validation=[1]", "a share from 0 to below 1 or the path of a file");
    assertOverrideProblem(
        "data.validation=1", "data.validation must be a number of at least 0 and");
    assertOverrideProblem(
        "adapter.target_modules=1", "must be all-linear, attention, mlp, qv, an expression, or a");
    assertOverrideProblem(
        "adapter.target_modules='a('", "must be a regular expression, found a( (Unclosed group)");
    assertOverrideProblem("adapter.target_modules=''", "must not hold an empty name");
    assertOverrideProblem("adapter.layers_to_transform=[x]", "must be a whole number, found the");
    assertOverrideProblem("adapter.layers_to_transform=3", "must be a list of whole numbers");
    assertOverrideProblem("adapter.layers_to_transform=[-1]", "of at least 0, found -1");
    assertOverrideProblem("adapter.rank_pattern=[a]", "must be names with numbers such as");
    assertOverrideProblem(
        "adapter.rank_pattern={a: 0}",
        "adapter.rank_pattern a must be a whole number of at least 1, found 0");
    assertOverrideProblem(
        "adapter.rank_pattern={a: 1.5}",
        "adapter.rank_pattern a must be a whole number, found 1.5");
    assertOverrideProblem(
        "adapter.alpha_pattern={'a)': 1}", "adapter.alpha_pattern must be a regular expression");
    assertOverrideProblem(
        "adapter.alpha_pattern={a: 0}",
        "adapter.alpha_pattern a must be a number above 0, found 0");
    assertOverrideProblem("adapter.lora_alpha=0", "adapter.lora_alpha must be a number above 0");
    assertOverrideProblem("adapter.modules_to_save=lm_head", "must be a list of names such as");
    assertOverrideProblem("adapter.modules_to_save=[a, a]", "must not name a layer twice");
    assertOverrideProblem(
        "adapter.init_lora_weights=olora",
        "adapter.init_lora_weights: olora is not available yet; available: true, gaussian, pissa,"
            + " pissa_niter_N, loftq");
    assertOverrideProblem(
        "adapter.init_lora_weights=pissa_niter_x",
        "adapter.init_lora_weights must be one of true, gaussian, pissa, pissa_niter_N, loftq, found the");
    assertOverrideProblem("adapter.init_lora_weights=1", "must be one of true, gaussian, pissa");
    assertOverrideProblem("adapter.train=[a]", "chooses the layers of full fine-tuning");
    assertOverrideProblem("adapter.target_modules=[1]", "must be a list of names, found 1");
    assertOverrideProblem("adapter.target_modules=[]", "must name a layer, found none");
    assertOverrideProblem("adapter.target_modules=[a, a]", "must not name a layer twice");
    assertOverrideProblem("adapter.target_modules=[all-linear, a]", "must be either all-linear or");
    assertOverrideProblem("device=tpu", "device must be auto, cpu, cuda or cuda:N, found tpu");
    assertOverrideProblem("model.path=''", "model.path must not be empty");
    assertOverrideProblem("train=5", "train is a section; set one of its keys");
    assertOverrideProblem("train.epochs=[1", "not valid YAML");
    assertProblem("train: [1]", "line 3: train must be a section with keys, found a list");
  }

  @Test
  void contradictionsAreRefused() {
    assertOverrideProblem(
        "train.epochs=null", "train.epochs and train.max_steps are both null, so training would");
    assertOverrideProblem(
        "train.micro_batch=5", "must be a multiple of train.micro_batch, found 16 and 5");
    assertOverrideProblem(
        "train.micro_batch=fast", "train.micro_batch must be a whole number or auto, found");
    assertProblem(
        "train: {micro_batch: auto, loss_weighting: micro_batch}",
        "line 3: train.micro_batch: auto does not go with train.loss_weighting: micro_batch");
    assertProblem(
        "adapter: {technique: full, init_from: a}",
        "line 3: adapter.init_from starts from an adapter, but adapter.technique: full trains");
  }

  @Test
  void keysThatWouldHaveNoEffectAreRefused() {
    assertOverrideProblem(
        "train.momentum=0.9",
        "train.momentum has no effect with train.optimizer: adamw; leave it out, or set"
            + " train.optimizer to sgd");
    assertOverrideProblem(
        "train.schedule_cycles=2",
        "train.schedule_cycles has no effect with train.schedule: cosine; leave it out, or set"
            + " train.schedule to cosine_with_restarts");
    assertProblem(
        "train: {optimizer: adafactor, adam_epsilon: 1e-6}",
        "train.adam_epsilon has no effect with train.optimizer: adafactor; leave it out, or set"
            + " train.optimizer to adamw or adamw_8bit");
    assertProblem(
        "train: {warmup_steps: 3, warmup_ratio: 0.1}",
        "train.warmup_ratio and train.warmup_steps both say how long it is; leave one of them out");
    assertProblem(
        "train: {schedule: warmup_stable_decay, decay_steps: 3, decay_ratio: 0.2}",
        "train.decay_steps and train.decay_ratio both say how long it is");
    assertProblem(
        "train: {optimizer: sgd, nesterov: true}", "train.nesterov needs a train.momentum above 0");
    assertOverrideProblem("train.no_decay=['(']", "train.no_decay must hold regular expressions");
    assertProblem(
        "adapter: {technique: full, loraplus_lr_ratio: 4}",
        "adapter.technique: full has no adapter, so exclude_modules");
  }

  @Test
  void yamlMistakesNameLineAndColumn() {
    ConfigException e =
        assertThrows(ConfigException.class, () -> parse("model:\n  path: a\n path: b\n"));
    assertTrue(message(e).contains("line 3, column 2: not valid YAML: "), e.getMessage());
    assertProblem("model: {path: b}", "line 3: model is given twice, first at line 1");
    assertProblem(
        "train:\n  seed: 1\n  seed: 2", "line 5: train.seed is given twice, first at line 4");
    assertProblem("output: &here {dir: a}\nadapter: *here", "uses a YAML alias");
    assertProblem("---\nmodel: {path: c}", "a second document begins");
    ConfigException list = assertThrows(ConfigException.class, () -> parse("- a\n- b\n"));
    assertTrue(message(list).contains("a recipe is made of keys"), list.getMessage());
  }

  @Test
  void emptyRecipesMissTheRequiredKeys() {
    for (String yaml : List.of("", "# nothing\n", "null", "model:\ndata:\n")) {
      ConfigException e = assertThrows(ConfigException.class, () -> parse(yaml));
      assertEquals(
          List.of(
              "model.path is missing, and so is model.id; give a folder or the repository of a hub",
              "data.train is missing; name a file, several in data.sources, or a repository of the hub in data.id"),
          e.problems());
    }
  }

  @Test
  void byteOrderMarkAndWindowsLineEndsAreAccepted(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("r.yaml");
    Files.writeString(file, "\uFEFF" + SMALLEST.replace("\n", "\r\n"));
    assertEquals(parse(SMALLEST), Recipe.load(file, List.of()));
  }

  @Test
  void unreadableRecipesAreNamed(@TempDir Path folder) throws IOException {
    Path missing = folder.resolve("no.yaml");
    ConfigException e = assertThrows(ConfigException.class, () -> Recipe.load(missing, List.of()));
    assertTrue(message(e).startsWith("recipe " + missing + " does not exist"), e.getMessage());
    Path latin = folder.resolve("latin.yaml");
    Files.write(latin, new byte[] {'a', ':', ' ', (byte) 0xe9, '\n'});
    e = assertThrows(ConfigException.class, () -> Recipe.load(latin, List.of()));
    assertTrue(message(e).endsWith("is not UTF-8 text"), e.getMessage());
  }

  private static RunConfig parse(String yaml) {
    return Recipe.parse(yaml, "test.yaml", List.of());
  }

  private static void assertProblem(String addedYaml, String expected) {
    ConfigException e =
        assertThrows(ConfigException.class, () -> parse(SMALLEST + addedYaml + "\n"));
    assertTrue(message(e).contains(expected), e.getMessage());
  }

  private static void assertOverrideProblem(String override, String expected) {
    ConfigException e =
        assertThrows(
            ConfigException.class, () -> Recipe.parse(SMALLEST, "test", List.of(override)));
    assertEquals(1, e.problems().size(), e.getMessage());
    assertTrue(message(e).contains("--set " + override + ": "), e.getMessage());
    assertTrue(message(e).contains(expected), e.getMessage());
  }

  private static String message(Throwable thrown) {
    return String.valueOf(thrown.getMessage());
  }
}
