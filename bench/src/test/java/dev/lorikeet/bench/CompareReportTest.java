package dev.lorikeet.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.bench.CompareReport.Pairs;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class CompareReportTest {
  /** 100 useful tokens in the first step, which is not timed, 200 and 300 in the others. */
  private static final List<Integer> TOKENS = List.of(100, 200, 300);

  private static final JsonNode PEER = run("[2.0, 1.0]", "[9.0, 4.0, 6.0]", 6_900_000_000L);

  private static Pairs pairs(String name, JsonNode own) {
    Pairs pairs = new Pairs(CompareCase.named(name).orElseThrow(), TOKENS);
    pairs.peer(PEER);
    pairs.own(own);
    return pairs;
  }

  private static JsonNode run(String losses, String steps, long resident) {
    return JsonMapper.shared()
        .readTree(
            "{\"losses\": %s, \"steps\": %s, \"peak_bytes\": 2000000000, \"peak_resident_bytes\": %d}"
                .formatted(losses, steps, resident));
  }

  @Test
  void tellsUsefulTokensRatioAndTargets() {
    Pairs pairs = pairs("dense", run("[2.000002, 1.0]", "[9.0, 2.0, 2.0]", 2_300_000_000L));
    assertTrue(pairs.sameLosses(1e-5));
    assertEquals(
        "| dense | smollm2, lora, 4 × 512 | 50 (50–50) | 125 (125–125) | 2.50 (2.50–2.50) | 6.90 | 2.30"
            + " | 2.00 | 1.0e-06 | ≥ 1.5 ×: met, ≤ 2.4 GB: met |",
        pairs.peerRow());
  }

  @Test
  void tellsAMissedTarget() {
    Pairs pairs = pairs("dense", run("[2.0, 1.0]", "[9.0, 4.0, 4.0]", 2_500_000_000L));
    assertTrue(pairs.sameLosses(1e-5));
    assertTrue(pairs.peerRow().endsWith("| ≥ 1.5 ×: missed, ≤ 2.4 GB: missed |"));
  }

  @Test
  void otherLossesFail() {
    Pairs pairs = pairs("dense", run("[2.0, 1.001]", "[9.0, 2.0, 2.0]", 1));
    assertFalse(pairs.sameLosses(1e-5));
    assertTrue(pairs.peerRow().contains("**1.0e-03**"));
  }

  @Test
  void aLossThatIsMissingFails() {
    assertFalse(pairs("dense", run("[2.0]", "[9.0, 2.0, 2.0]", 1)).sameLosses(1e-5));
    assertFalse(pairs("dense", run("[2.0, \"NaN\"]", "[9.0, 2.0, 2.0]", 1)).sameLosses(1e-5));
  }

  @Test
  void quantisedBasesStandBesideLora() {
    Pairs pairs = new Pairs(CompareCase.named("qlora").orElseThrow(), TOKENS);
    pairs.own(run("[2.0, 1.0, 1.0]", "[9.0, 2.2, 2.2]", 1));
    pairs.lora(run("[2.0, 1.0, 1.0]", "[9.0, 2.0, 2.0]", 1));
    assertEquals("| qlora | 1.100 (1.100–1.100) | 2.00 | +0.0 % |", pairs.loraRow());
  }
}
