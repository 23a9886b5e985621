package dev.lorikeet.judge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.DataException;
import dev.lorikeet.error.FormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Agreement of judges and people; kappa itself is checked against scikit-learn elsewhere. */
class JudgeAgreementTest {
  @TempDir private Path folder;

  @Test
  void itemsThatBothGradedCount() {
    JudgeAgreement agreement =
        JudgeAgreement.of(
            Map.of("a", 1, "b", 5, "c", 4, "x", 2),
            Map.of("a", 1, "b", 5, "c", 5, "y", 2),
            Rubric.COHERENCE,
            0.95);
    assertEquals(3, agreement.items());
    assertEquals(2 / 3.0, agreement.same().value(), 1e-15);
    // Observed 2/3; expected (1·1 + 1·2)/9 = 1/3.
    assertEquals(0.5, agreement.kappa(), 1e-12);
    // Squares seen 1/3; expected (0 + 16 + 16 + 16 + 0 + 0 + 9 + 1 + 1)/9.
    assertEquals(1 - (1 / 3.0) / (59 / 9.0), agreement.weightedKappa(), 1e-12);
  }

  @Test
  void gradesOutsideTheRubricAndStrangersAreTold() {
    DataException none =
        assertThrows(
            DataException.class,
            () -> JudgeAgreement.of(Map.of("a", 1), Map.of("b", 1), Rubric.COHERENCE, 0.95));
    assertTrue(none.getMessage().contains("no item in common"), none.getMessage());
    DataException high =
        assertThrows(
            DataException.class,
            () -> JudgeAgreement.of(Map.of("a", 9), Map.of("a", 1), Rubric.COHERENCE, 0.95));
    assertTrue(high.getMessage().contains("Item a has the grade 9"), high.getMessage());
  }

  @Test
  void labelsOfPeopleAreRead() throws IOException {
    Path file = folder.resolve("labels.jsonl");
    Files.writeString(
        file, "{\"id\":\"a\",\"score\":4}\n\n{\"id\":\"b\",\"score\":1,\"by\":\"Ann\"}\n");
    assertEquals(Map.of("a", 4, "b", 1), JudgeAgreement.labels(file));
    for (String line :
        new String[] {
          "{\"id\":\"a\"}", "{\"id\":1,\"score\":2}", "x", "{\"id\":\"a\",\"score\":\"4\"}"
        }) {
      Files.writeString(file, line);
      FormatException wrong =
          assertThrows(FormatException.class, () -> JudgeAgreement.labels(file));
      assertTrue(wrong.getMessage().contains("line 1"), wrong.getMessage());
    }
    Files.writeString(file, "{\"id\":\"a\",\"score\":4}\n{\"id\":\"a\",\"score\":4}\n");
    assertThrows(FormatException.class, () -> JudgeAgreement.labels(file));
  }
}
