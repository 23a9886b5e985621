package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.kernel.SgdStep.Direction;
import dev.lorikeet.train.Adafactor;
import dev.lorikeet.train.AdamW;
import dev.lorikeet.train.AdamW.States;
import dev.lorikeet.train.GroupedOptimizer;
import dev.lorikeet.train.LearningRate;
import dev.lorikeet.train.Lion;
import dev.lorikeet.train.Optimizer;
import dev.lorikeet.train.ScheduleShape;
import dev.lorikeet.train.Sgd;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class TrainingRulesTest {
  private static final RunConfig RECIPE = RunConfig.of("nano", Path.of("a.json"));

  @Test
  void everyOptimiserHasTheNumbersOfTheRecipe() {
    assertEquals(new AdamW.Settings(0.9, 0.999, 1e-8, 0), rule());
    assertEquals(
        new AdamW.Settings(0.8, 0.95, 1e-6, 0.1),
        rule(
            "train.adam_beta1=0.8",
            "train.adam_beta2=0.95",
            "train.adam_epsilon=1e-6",
            "train.weight_decay=0.1"));
    assertEquals(
        new AdamW.Settings(0.9, 0.999, 1e-8, 0, States.BITS_8), rule("train.optimizer=adamw_8bit"));
    assertEquals(new Lion.Settings(0.9, 0.99, 0), rule("train.optimizer=lion"));
    assertEquals(
        new Lion.Settings(0.9, 0.98, 0), rule("train.optimizer=lion", "train.adam_beta2=0.98"));
    assertEquals(new Sgd.Settings(0, Direction.MOMENTUM, 0), rule("train.optimizer=sgd"));
    assertEquals(
        new Sgd.Settings(0.9, Direction.NESTEROV, 0),
        rule("train.optimizer=sgd", "train.momentum=0.9", "train.nesterov=true"));
    assertEquals(
        new Adafactor.Settings(0.5), rule("train.optimizer=adafactor", "train.weight_decay=0.5"));
  }

  private static Optimizer.Settings rule(String... changes) {
    Optimizer.Settings settings = TrainingRules.of(RECIPE.with(changes)).optimizer();
    return ((GroupedOptimizer.Settings) settings).rule();
  }

  @Test
  void everyScheduleHasTheNumbersOfTheRecipe() {
    assertEquals(new LearningRate(2e-4, new ScheduleShape.Cosine(0), 10, 100), rate());
    assertEquals(new ScheduleShape.Cosine(0.1), rate("train.min_learning_rate_ratio=0.1").shape());
    assertEquals(new ScheduleShape.Linear(), rate("train.schedule=linear").shape());
    assertEquals(new ScheduleShape.Constant(), rate("train.schedule=constant").shape());
    assertEquals(
        new ScheduleShape.CosineWithRestarts(3),
        rate("train.schedule=cosine_with_restarts", "train.schedule_cycles=3").shape());
    assertEquals(
        new ScheduleShape.Polynomial(2, 0.25),
        rate(
                "train.schedule=polynomial",
                "train.schedule_power=2.0",
                "train.min_learning_rate_ratio=0.25")
            .shape());
    assertEquals(
        new ScheduleShape.WarmupStableDecay(10, 0),
        rate("train.schedule=warmup_stable_decay").shape());
    assertEquals(
        new ScheduleShape.WarmupStableDecay(7, 0),
        rate("train.schedule=warmup_stable_decay", "train.decay_steps=7").shape());
    assertEquals(4, rate("train.warmup_ratio=0.031").warmupSteps());
    assertEquals(0, rate("train.warmup_ratio=0").warmupSteps());
  }

  @Test
  void aRunThatIsTooShortForItsScheduleIsTold() {
    assertEquals(List.of(), oddities(11));
    assertTrue(oddities(10).getFirst().startsWith("the warm-up's 10 steps"));
    String stable = "train.schedule=warmup_stable_decay";
    assertEquals(List.of(), oddities(40, stable, "train.decay_steps=30"));
    assertTrue(
        oddities(39, stable, "train.decay_steps=30")
            .getFirst()
            .startsWith("the warm-up's 10 steps and the 30 steps of train.decay_steps"));
  }

  private static List<String> oddities(long steps, String... changes) {
    return TrainingRules.of(RECIPE.with(changes)).oddities(steps);
  }

  private static LearningRate rate(String... changes) {
    return TrainingRules.of(RECIPE.with(changes)).learningRate(100);
  }

  @Tag("native")
  @ParameterizedTest
  @CsvSource({
    "adamw, 5.0e-3, lora",
    "adamw_8bit, 5.0e-3, lora",
    "adamw_8bit, 2.0e-3, full",
    "sgd, 0.2, lora",
    "lion, 1.0e-3, lora",
    "adafactor, 5.0e-3, lora",
    "adafactor, 2.0e-3, full"
  })
  void trainingLowersTheLossWithEach(
      String optimizer, String rate, String technique, @TempDir Path folder) {
    RunConfig recipe =
        recipe(folder)
            .with(
                "train.optimizer=" + optimizer,
                "train.learning_rate=" + rate,
                "train.weight_decay=0.01",
                "adapter.technique=" + technique,
                "train.max_steps=20",
                "train.epochs=null",
                "data.validation=0.2");
    RunConfig finished =
        optimizer.equals("sgd") ? recipe.with("train.momentum=0.9", "train.nesterov=true") : recipe;
    FineTuneResult result = FineTuning.run(finished);
    double before = result.validationBefore().orElseThrow();
    double after = result.validationAfter().orElseThrow();
    assertTrue(after < 0.9 * before, optimizer + ": " + before + " to " + after);
  }

  @Tag("native")
  @Test
  void loraPlusChangesTheRun(@TempDir Path folder) {
    RunConfig recipe = recipe(folder).with("train.max_steps=3");
    double plain = FineTuning.run(recipe).trainLoss();
    double faster = FineTuning.run(recipe.with("adapter.loraplus_lr_ratio=16")).trainLoss();
    assertTrue(faster < plain, plain + " and " + faster);
  }

  @Tag("native")
  @Test
  void anExpressionThatMatchesNothingIsRefusedBeforeAnythingIsWritten(@TempDir Path folder) {
    RunConfig recipe = recipe(folder).with("adapter.technique=full", "train.no_decay=[norm, bias]");
    ConfigException refused = assertThrows(ConfigException.class, () -> FineTuning.run(recipe));
    assertTrue(
        String.valueOf(refused.getMessage()).startsWith("train.no_decay: bias is in the name of"),
        refused.getMessage());
    assertTrue(Files.notExists(folder.resolve("runs")));
  }

  private static RunConfig recipe(Path folder) {
    return TinyModel.recipe(folder, 20);
  }
}
