package dev.lorikeet.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.AdapterSettings.Technique;
import dev.lorikeet.config.DataSettings.Validation;
import dev.lorikeet.error.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecipeTest {
  private static final String SMALLEST = "model: {path: nano}\ndata: {train: a.json}\n";

  /** The recipe of the documentation, with every default written out. */
  private static final String DOCUMENTED =
      """
      model:   {path: nano, dtype: float32}
      adapter: {technique: lora, r: 8, lora_alpha: 16, lora_dropout: 0.0, \
      target_modules: all-linear, init_from: null}
      data:    {train: a.json, validation: 0.05, format: alpaca, max_seq_len: 512, \
      packing: true, mask_prompt: true, shuffle: true}
      train:   {epochs: 1, max_steps: null, global_batch: 16, micro_batch: 4, \
      learning_rate: 2.0e-4, optimizer: adamw, weight_decay: 0.0, schedule: cosine, \
      warmup_steps: 10, max_grad_norm: 1.0, seed: 42, recompute: false, loss_weighting: token}
      output:  {dir: runs}
      device: auto
      """;

  /** A recipe that sets every key. */
  private static final String EVERY_KEY =
      """
      model:
        path: /models/tiny
      adapter: {technique: lora, r: 4, lora_alpha: 2.5, lora_dropout: 0.1,
        target_modules: [q_proj, v_proj], init_from: adapters/a}
      data: {train: t.jsonl, validation: v.jsonl, format: prompt_completion,
        max_seq_len: 64, packing: false, mask_prompt: false, shuffle: false}
      train: {epochs: null, max_steps: 7, global_batch: 6, micro_batch: 2,
        learning_rate: 1e-4, weight_decay: 0.01, schedule: constant, warmup_steps: 0,
        max_grad_norm: 0, seed: -3, recompute: true, loss_weighting: micro_batch}
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
    assertEquals("/models/tiny", config.model().path());
    assertEquals(
        new AdapterSettings(
            Technique.LORA,
            4,
            2.5,
            0.1,
            List.of("q_proj", "v_proj"),
            Optional.of(Path.of("adapters/a"))),
        config.adapter());
    assertEquals(
        new DataSettings(
            Path.of("t.jsonl"),
            new Validation.File(Path.of("v.jsonl")),
            DataSettings.Format.PROMPT_COMPLETION,
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
            2,
            1e-4,
            TrainSettings.Optimizer.ADAMW,
            0.01,
            TrainSettings.Schedule.CONSTANT,
            0,
            0,
            -3,
            true,
            TrainSettings.LossWeighting.MICRO_BATCH),
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
            List.of("adapter.init_from=\"tab\\there \\u00e9 \\U0001F600\"", "data.validation=0"),
            List.of("data.train='on'", "data.validation=\"1e-4\"", "output.dir=\"C:\\\\runs\""),
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
                      dtype: bfloat16
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
          - line 2: model.dtype: bfloat16 is not available yet; available: float32
          - line 4: data.train must be a path, found 5
          - line 5: data.max_seq_len must be a whole number of at least 2, found 1
          - line 7: train.learing_rate is unknown; did you mean train.learning_rate?
          - line 8: train.global_batch must be a multiple of train.micro_batch, found 10 and 4
          - line 9: train.warmup_steps must be a whole number, found the text "ten"
          - line 10: eval is not available yet; leave it out
          - --set nonsense: an override is written key=value, as in train.epochs=2
          - model.path is missing; it has no default
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
    for (String key : List.of("model.id", "model.quantization", "model.double_quant")) {
      assertOverrideProblem(key + "=x", key + " is not available yet; leave it out");
    }
    for (String key : List.of("data.columns", "data.sources", "data.clean", "eval", "plan")) {
      assertOverrideProblem(key + "=x", key + " is not available yet; leave it out");
    }
    for (String technique : List.of("qlora", "qdora")) {
      assertOverrideProblem(
          "adapter.technique=" + technique,
          "adapter.technique: " + technique + " is not available yet; available: lora, dora, full");
    }
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
    assertOverrideProblem("data.format=csv", "one of alpaca, text, prompt_completion, found the");
    assertOverrideProblem("data.validation=[1]", "a share from 0 to below 1 or the path of a file");
    assertOverrideProblem(
        "data.validation=1", "data.validation must be a number of at least 0 and");
    assertOverrideProblem("adapter.target_modules=q_proj", "must be all-linear or a list of layer");
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
    assertProblem(
        "adapter: {technique: full, init_from: a}",
        "line 3: adapter.init_from starts from an adapter, but adapter.technique: full trains");
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
              "model.path is missing; it has no default",
              "data.train is missing; it has no default"),
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
