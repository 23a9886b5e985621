package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.eval.ExactMatch;
import dev.lorikeet.eval.ExactMatch.Answer;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class QuickstartTest {
  @TempDir private Path folder;

  @Test
  @Tag("native")
  @Tag("slow")
  void theTunedModelKnowsTheTaskAndTheUntouchedOneDoesNot() {
    Outcome outcome = quickstart();
    assertEquals(200, outcome.tuned().answers().size());
    assertTrue(outcome.base().score() <= 0.02, "untouched: " + outcome.base().score());
    assertTrue(outcome.tuned().score() >= 0.85, "tuned: " + outcome.tuned().score());
  }

  @Test
  @Tag("native")
  void theSameSeedGivesTheSameAnswersAndLosses() {
    Outcome one = quickstart("train.max_steps=6");
    Outcome other = quickstart("train.max_steps=6");
    assertEquals(texts(one), texts(other));
    assertEquals(one.training().trainLoss(), other.training().trainLoss());
    assertEquals(one.training().validationAfter(), other.training().validationAfter());
  }

  @ParameterizedTest
  @Tag("native")
  @CsvSource({"lora, 3.0e-3", "dora, 3.0e-3", "qlora, 3.0e-3", "qdora, 3.0e-3", "full, 5.0e-4"})
  void everyTechniqueLearnsTheTask(String technique, String rate) {
    Outcome outcome =
        quickstart(
            "adapter.technique=" + technique, "train.learning_rate=" + rate, "train.max_steps=40");
    double before = outcome.training().validationBefore().orElseThrow();
    double after = outcome.training().validationAfter().orElseThrow();
    assertTrue(after < 0.1 * before, "held-out loss " + before + " to " + after);
    assertEquals(200, outcome.tuned().answers().size());
  }

  private record Outcome(
      ExactMatch.Result base, ExactMatch.Result tuned, FineTuneResult training) {}

  private Outcome quickstart(String... overrides) {
    Quickstart quickstart = Quickstart.prepare(folder, List.of(overrides));
    ExactMatch.Result base = quickstart.askUntouched();
    FineTuneResult training = quickstart.tune(FineTuneOptions.defaults(), RunListener.silent());
    return new Outcome(base, quickstart.askTuned(training), training);
  }

  private static List<String> texts(Outcome outcome) {
    return outcome.tuned().answers().stream().map(Answer::text).toList();
  }
}
