package dev.lorikeet.config;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.lorikeet.error.ConfigException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Damaged recipes are refused in words: nothing but a ConfigException ever comes out. */
class RecipeMutationTest {
  private static final int ROUNDS = 4000;

  private static final List<String> SPLINTERS =
      List.of(
          ":",
          "- ",
          "{",
          "}",
          "[",
          "]",
          "\"",
          "'",
          "|",
          ">",
          "&a ",
          "*a",
          "!!int ",
          "!x ",
          "? ",
          "#",
          "\t",
          "\n",
          "\n  ",
          "---\n",
          "...\n",
          "%YAML 1.2\n",
          "null",
          "~",
          ".inf",
          ".nan",
          "1e999",
          "0x1F",
          "0o17",
          "-0",
          "99999999999999999999",
          "\u0000",
          "\uD83D",
          "\u2028",
          "<<: ",
          "true",
          "eval: {}",
          "@",
          "`",
          ",");

  @Test
  void damagedRecipesGiveConfigExceptionsOnly() {
    long seed = Long.getLong("lorikeet.test.seed", 20261122);
    Random random = new Random(seed);
    String whole = RunConfig.of("nano", Path.of("a.json")).toYaml();
    int refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
      String damaged = damaged(whole, random);
      try {
        RunConfig config = Recipe.parse(damaged, "damaged.yaml", List.of());
        assertTrue(config.equals(Recipe.parse(config.toYaml(), "again", List.of())));
      } catch (ConfigException e) {
        refused++;
        assertFalse(e.problems().isEmpty());
      } catch (RuntimeException e) {
        fail("mvn test -Dtest=RecipeMutationTest -Dlorikeet.test.seed=" + seed + "\n" + damaged, e);
      }
    }
    assertTrue(refused > ROUNDS / 2, "refused " + refused);
  }

  private static String damaged(String whole, Random random) {
    StringBuilder text = new StringBuilder(whole);
    for (int cuts = 1 + random.nextInt(3); cuts > 0; cuts--) {
      int at = random.nextInt(text.length());
      switch (random.nextInt(3)) {
        case 0 -> text.insert(at, SPLINTERS.get(random.nextInt(SPLINTERS.size())));
        case 1 -> text.delete(at, Math.min(text.length() - 1, at + 1 + random.nextInt(12)));
        default -> {
          int end = Math.min(text.length(), at + random.nextInt(40));
          text.insert(random.nextInt(text.length()), text.substring(at, end));
        }
      }
    }
    return text.toString();
  }
}
