package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.eval.ExactMatch;
import dev.lorikeet.eval.ExactMatch.Item;
import dev.lorikeet.format.AtomicFile;
import dev.lorikeet.format.PeftAdapter;
import dev.lorikeet.run.RunRecord;
import dev.lorikeet.run.RunStatus;
import dev.lorikeet.run.RunStore;
import dev.lorikeet.torch.Device;
import dev.lorikeet.train.StepReport;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A whole run on a model of 40,000 random weights: it repeats, it learns, it is recorded. */
@Tag("native")
final class FineTuningTest {
  /** Thirty combinations of words; those from the twentieth on are held out. */
  private static final int TRAIN_RECORDS = 20;

  private static final int HELD_OUT_RECORDS = 10;

  @TempDir private Path folder;
  private RunConfig recipe = RunConfig.of("nowhere", Path.of("nothing"));

  @BeforeEach
  void writeModelAndData() {
    TinyModel.data(
        folder.resolve("held-out.jsonl"), TinyModel.records(TRAIN_RECORDS, HELD_OUT_RECORDS));
    recipe = TinyModel.recipe(folder, TRAIN_RECORDS);
  }

  @ParameterizedTest
  @ValueSource(strings = {"lora", "qlora", "dora", "qdora", "full"})
  void theSameSeedGivesTheSameBytes(String technique) {
    RunConfig run = recipe.with("adapter.technique=" + technique, "train.max_steps=6");
    byte[] first = weights(FineTuning.run(run));
    assertArrayEquals(first, weights(FineTuning.run(run)));
  }

  /** The encoded data lies in files without a name on the disk of the runs. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void whatIsEncodedIsGoneWithTheRun() throws IOException {
    List<Long> openAtSteps = new ArrayList<>();
    RunListener counting =
        new RunListener() {
          @Override
          public void step(StepReport report, Start start, Duration left) {
            openAtSteps.add(openDataFiles());
          }
        };
    RunConfig run = recipe.with("train.max_steps=2", "data.validation=0");
    FineTuning.run(run, FineTuneOptions.defaults(), counting);
    assertEquals(List.of(3L, 3L), openAtSteps);
    assertEquals(0, openDataFiles());
  }

  private long openDataFiles() {
    try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
      Path disk = folder.toRealPath();
      return open.map(FineTuningTest::target)
          .filter(file -> file.startsWith(disk) && file.toString().contains("/.lorikeet-"))
          .count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path target(Path descriptor) {
    try {
      return Files.readSymbolicLink(descriptor);
    } catch (IOException closedMeanwhile) {
      return descriptor;
    }
  }

  @Test
  void anotherSeedGivesAnotherAdapter() {
    RunConfig run = recipe.with("adapter.lora_dropout=0.1", "train.max_steps=3");
    byte[] first = weights(FineTuning.run(run));
    byte[] second = weights(FineTuning.run(run.with("train.seed=43")));
    assertFalse(Arrays.equals(first, second));
    assertEquals(first.length, second.length);
  }

  @ParameterizedTest
  @ValueSource(strings = {"lora", "qlora", "dora", "qdora", "full"})
  void recomputingGivesTheSameBytes(String technique) {
    RunConfig run =
        recipe.with(
            "adapter.technique=" + technique, "adapter.lora_dropout=0.1", "train.max_steps=3");
    byte[] kept = weights(FineTuning.run(run));
    assertArrayEquals(kept, weights(FineTuning.run(run.with("train.recompute=true"))));
  }

  @Test
  void anAdapterGoesOnFromWhereItWasLeft() {
    // A run of four steps is two runs of two where the rate is constant, but for AdamW's states;
    // without steps the adapter that comes out is the one that went in.
    FineTuneResult first = FineTuning.run(recipe.with("train.max_steps=2"));
    FineTuneResult second =
        FineTuning.run(
            recipe.with(
                "train.max_steps=1",
                "train.learning_rate=1.0e-30",
                "adapter.init_from='" + first.output() + "'"));
    assertArrayEquals(weights(first), weights(second));
  }

  /**
   * Measured: LoRA 5.85 to 2.93, DoRA to 2.86, full to 0.08 nats a token. Random weights are little
   * to adapt: with rank 8 and 16 epochs either technique leaves a record out with some seeds, and
   * PEFT's DoRA has the same losses there step by step, within 4e-7. With these both say all three
   * with every one of eight seeds.
   *
   * @param epochs of five steps
   * @param most held-out loss at the end, at most
   */
  @ParameterizedTest
  @CsvSource({"lora, 1.0e-2, 24, 3.5", "dora, 1.0e-2, 24, 3.5", "full, 5.0e-3, 16, 0.5"})
  void whatFollowsARuleIsLearned(String technique, String rate, int epochs, double most) {
    FineTuneResult result =
        FineTuning.run(
            recipe.with(
                "adapter.technique=" + technique,
                "adapter.r=16",
                "adapter.lora_alpha=32",
                "adapter.lora_dropout=0.05",
                "train.learning_rate=" + rate,
                "data.validation='" + folder.resolve("held-out.jsonl") + "'",
                "train.epochs=" + epochs));
    double before = result.validationBefore().orElseThrow();
    double after = result.validationAfter().orElseThrow();
    // Random weights know nothing: ln 288 = 5.7.
    assertEquals(Math.log(288), before, 0.5);
    assertTrue(after <= most, "held-out loss " + before + " to " + after);
    assertEquals(5L * epochs, result.steps());
    ExactMatch.Result answers = answers(technique, result);
    assertEquals(answers.answers().size(), answers.correct(), answers.toString());
  }

  /** What the tuned model says to three records that it was trained on. */
  private ExactMatch.Result answers(String technique, FineTuneResult result) {
    boolean full = technique.equals("full");
    Path model = full ? result.output() : folder.resolve("tiny");
    Optional<Path> adapter = full ? Optional.empty() : Optional.of(result.output());
    List<Item> items =
        List.of(
            new Item("I lost my red cup.", "cup: red"),
            new Item("I lost my blue hat.", "hat: blue"),
            new Item("I lost my green pen.", "pen: green"));
    try (Device device = Device.cpu(1);
        LoadedModel loaded = LoadedModel.open(model.toString(), adapter, device)) {
      return new ExactMatch(loaded.tokenizer(), device).evaluate(loaded.model(), items);
    }
  }

  @Test
  void whatTheContextCannotHoldIsToldWithoutAdviceThatCannotHelp() {
    Path data = folder.resolve("long.jsonl");
    TinyModel.data(data, List.of(TinyModel.record("cup", "hat ".repeat(100))));
    List<String> notices = new ArrayList<>();
    FineTuning.run(
        recipe.with("data.train='" + data + "'", "data.max_seq_len=96", "train.max_steps=1"),
        FineTuneOptions.defaults(),
        new Listening(notices));
    assertTrue(
        notices.stream()
            .anyMatch(told ->
                told.startsWith("1 of 1 records are longer than 96 tokens")
                    && told.endsWith("and were cut; the model's context holds no more.")),
        notices.toString());
  }

  @Test
  void theTemplateOfTheTrainingIsSaved() throws IOException {
    Path data = folder.resolve("chat.jsonl");
    AtomicFile.writeString(
        data,
        """
        {"messages": [{"role": "user", "content": "cup"}, {"role": "assistant", "content": "hat"}]}
        """);
    String own = "{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}";
    Path template = folder.resolve("own.jinja");
    AtomicFile.writeString(template, own);
    FineTuneResult run =
        FineTuning.run(
            recipe.with(
                "data.train='" + data + "'",
                "data.format=chat",
                "data.prompt='" + template + "'",
                "train.max_steps=1"));
    assertEquals(own, Files.readString(run.output().resolve("chat_template.jinja")));
    FineTuneResult plain = FineTuning.run(recipe.with("train.max_steps=1"));
    assertFalse(Files.exists(plain.output().resolve("chat_template.jinja")));
  }

  @Test
  void aFinishedRunIsRecordedWhole() throws IOException {
    FineTuneResult result = FineTuning.run(recipe.with("data.validation=0.2", "train.max_steps=4"));
    assertEquals(
        List.of(
            "adapter",
            "checkpoints",
            "log.txt",
            "metrics.jsonl",
            "provenance.json",
            "recipe.yaml",
            "summary.json"),
        names(result.directory()));
    assertEquals(4, Files.readAllLines(result.directory().resolve("metrics.jsonl")).size());
    assertEquals(14, PeftAdapter.read(result.output()).modules().size());
    try (RunStore store =
        RunStore.open(folder.resolve("runs"), FineTuneOptions.defaults().clock())) {
      RunRecord record = store.get(result.runId());
      assertEquals(RunStatus.FINISHED, record.status());
      assertEquals(4, record.progress().steps());
      assertEquals(result.validationAfter(), record.progress().validationLoss());
      assertEquals(result.trainLoss(), record.progress().trainLoss().orElseThrow());
      assertEquals(result.directory(), record.folder());
    }
  }

  private static List<String> names(Path directory) {
    return TinyModel.contents(directory).keySet().stream()
        .filter(name -> !name.isEmpty() && !name.contains("/"))
        .toList();
  }

  private static byte[] weights(FineTuneResult result) {
    Path adapter = result.output().resolve("adapter_model.safetensors");
    Path model = result.output().resolve("model.safetensors");
    try {
      return Files.readAllBytes(Files.exists(adapter) ? adapter : model);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }
}
