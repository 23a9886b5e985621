package dev.lorikeet.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.bench.CompareReport.Decoding;
import dev.lorikeet.bench.CompareReport.Start;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class CompareReportTest {
  /** 100 useful tokens in the first step, which is not timed, 200 and 300 in the others. */
  private static final List<Integer> TOKENS = List.of(100, 200, 300);

  private static final JsonNode PEER = run("[2.0, 1.0]", "[9.0, 4.0, 6.0]", 6_900_000_000L);

  private static ComparePairs pairs(String name, JsonNode own) {
    ComparePairs pairs = new ComparePairs(CompareCase.named(name).orElseThrow(), TOKENS);
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
    ComparePairs pairs = pairs("dense", run("[2.000002, 1.0]", "[9.0, 2.0, 2.0]", 2_300_000_000L));
    assertTrue(pairs.sameLosses(1e-5));
    assertEquals(
        "| dense | smollm2, lora, 4 × 512 | 50 (50–50) | 125 (125–125) | 2.50 (2.50–2.50) | 6.90 | 2.30"
            + " | 2.00 | 1.0e-06 | ≥ 1.5 ×: met, ≤ 2.4 GB: met |",
        pairs.peerRow());
  }

  @Test
  void tellsAMissedTarget() {
    ComparePairs pairs = pairs("dense", run("[2.0, 1.0]", "[9.0, 4.0, 4.0]", 2_500_000_000L));
    assertTrue(pairs.sameLosses(1e-5));
    assertTrue(pairs.peerRow().endsWith("| ≥ 1.5 ×: missed, ≤ 2.4 GB: missed |"));
  }

  @Test
  void otherLossesFail() {
    ComparePairs pairs = pairs("dense", run("[2.0, 1.001]", "[9.0, 2.0, 2.0]", 1));
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
    ComparePairs pairs = new ComparePairs(CompareCase.named("qlora").orElseThrow(), TOKENS);
    pairs.own(run("[2.0, 1.0, 1.0]", "[9.0, 2.2, 2.2]", 1));
    pairs.lora(run("[2.0, 1.0, 1.0]", "[9.0, 2.0, 2.0]", 1));
    assertEquals(
        "| qlora | 1.100 (1.100–1.100) | 2.00 | +0.0 % | 0.00 | 0.00 | ≤ 1.10 × the time: met, ≤ 1.00 × the tensors: met |",
        pairs.loraRow());
  }

  @Test
  void tellsWhatTheHardwareAllowsWhatStartsAndWhatDecodes() {
    CompareReport report = new CompareReport(Path.of("unused"), List.of("- a machine"));
    report.limit(
        json(
            """
            {"products_seconds": 2.0, "products_gflop": 800.0, "peak_gflops": 500.0, "read_gbytes": 50.0,
             "phases": {"layers, forward": {"seconds": 0.9, "gflop": 400.0}}}
            """));
    ComparePairs dense =
        report.pairs(CompareCase.named("dense").orElseThrow(), List.of(100, 200, 300));
    dense.peer(PEER);
    dense.own(run("[2.0, 1.0]", "[9.0, 2.5, 2.5]", 1));
    report.decoded(Decoding.PEER, json("{\"tokens_per_second\": [20.0, 25.0]}"));
    report.decoded(
        Decoding.FLOAT32,
        json("{\"tokens_per_second\": [40.0, 50.0], \"weight_bytes\": 500000000}"));
    report.started(Start.OWN, 2.5);
    report.started(Start.HELP, 0.6);
    report.context(512, json("{\"peak_bytes\": 1000000000, \"steps\": [1.0, 2.0]}"));
    report.context(1024, json("{\"peak_bytes\": 1200000000, \"steps\": [1.0, 2.0]}"));
    List<String> text = report.text();
    for (String line :
        List.of(
            "| layers, forward | 0.90 | 89 % |",
            "| all | 2.00 | 80 % |",
            "| the whole step `dense` | 2.50 | 64 % |",
            "The step takes 2.50 (2.50–2.50) s, 1.25 × its products; target ≤ 1.27 ×: met.",
            "| transformers, float32 | 25.0 (25.0–25.0) | – | – | – |",
            "| Lorikeet, float32 | 50.0 (50.0–50.0) | 25.0 | 50 % | 2.00 (2.00–2.00) × transformers, float32, ≥ 2.0 ×: met |",
            "| Lorikeet, to the first step | 2.50 (2.50–2.50) | ≤ 3.0 s: met |",
            "| `lorikeet --help`, whole | 0.60 (0.60–0.60) | ≤ 0.5 s: missed |",
            "| 512 | 1.000 | 2.00 | ≤ 1.1 × the shortest: met |",
            "| 1024 | 1.200 | 2.00 | ≤ 1.1 × the shortest: missed |")) {
      assertTrue(text.contains(line), line + " is not in\n" + String.join("\n", text));
    }
  }

  private static JsonNode json(String text) {
    return JsonMapper.shared().readTree(text);
  }
}
