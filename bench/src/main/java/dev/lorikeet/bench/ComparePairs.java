package dev.lorikeet.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.JsonNode;

/** The runs of one case, on every side. */
final class ComparePairs {
  private static final double GIGA = 1e9;

  private final CompareCase one;
  private final List<Integer> tokens;
  private final List<JsonNode> own = new ArrayList<>();
  private final List<JsonNode> peer = new ArrayList<>();
  private final List<JsonNode> lora = new ArrayList<>();
  private boolean same = true;
  private double drift;

  /**
   * A case without runs.
   *
   * @param tokens useful tokens of every step, the first one too
   */
  ComparePairs(CompareCase one, List<Integer> tokens) {
    this.one = one;
    this.tokens = List.copyOf(tokens);
  }

  CompareCase one() {
    return one;
  }

  void own(JsonNode run) {
    own.add(run);
  }

  void peer(JsonNode run) {
    peer.add(run);
  }

  void lora(JsonNode run) {
    lora.add(run);
  }

  boolean hasPeer() {
    return !peer.isEmpty();
  }

  boolean hasLora() {
    return !lora.isEmpty();
  }

  /** Whether the losses were the peer's when they were last looked at. */
  boolean isSame() {
    return same;
  }

  /** Whether every step of every pair gave losses within {@code relative} of each other. */
  boolean sameLosses(double relative) {
    for (int run = 0; run < peer.size(); run++) {
      JsonNode ours = own.get(run).path("losses");
      JsonNode theirs = peer.get(run).path("losses");
      for (int step = 0; step < theirs.size(); step++) {
        double expected = theirs.path(step).asDouble(Double.NaN);
        drift = Math.max(drift, Math.abs(ours.path(step).asDouble(Double.NaN) / expected - 1));
      }
      same &= theirs.size() > 0 && ours.size() == theirs.size();
    }
    same &= drift <= relative;
    return same;
  }

  /** Useful tokens a second of every run, its first step left out. */
  private List<Double> speeds(List<JsonNode> of) {
    int useful = tokens.stream().skip(1).mapToInt(Integer::intValue).sum();
    return of.stream().map(run -> useful / seconds(run)).toList();
  }

  /** Seconds of a step in every run. */
  Timings stepSeconds() {
    return Timings.of(own.stream().map(run -> seconds(run) / (tokens.size() - 1)).toList());
  }

  private static double seconds(JsonNode run) {
    return run.path("steps").valueStream().skip(1).mapToDouble(JsonNode::asDouble).sum();
  }

  private static double most(List<JsonNode> of, String bytes) {
    return of.stream().mapToLong(run -> run.path(bytes).asLong()).max().orElse(0) / GIGA;
  }

  private static double resident(List<JsonNode> of) {
    return most(of, "peak_resident_bytes");
  }

  private static double tensors(List<JsonNode> of) {
    return most(of, "peak_bytes");
  }

  /** The row of the table against PEFT. */
  String peerRow() {
    Timings ratio = Timings.ratios(speeds(own), speeds(peer));
    return String.format(
        Locale.ROOT,
        "| %s | %s | %s | %s | %s | %.2f | %.2f | %.2f | %s | %s |",
        one.name(),
        one.describe(),
        Timings.of(speeds(peer)).text(0),
        Timings.of(speeds(own)).text(0),
        ratio.text(2),
        resident(peer),
        resident(own),
        tensors(own),
        String.format(Locale.ROOT, same ? "%.1e" : "**%.1e**", drift),
        one.targets().besidePeer(ratio.median(), resident(own)));
  }

  /** The row of the table against LoRA of the same run. */
  String loraRow() {
    Timings time =
        Timings.ratios(
            own.stream().map(ComparePairs::seconds).toList(),
            lora.stream().map(ComparePairs::seconds).toList());
    double memory = tensors(own) / tensors(lora);
    return String.format(
        Locale.ROOT,
        "| %s | %s | %.2f | %+.1f %% | %.2f | %.2f | %s |",
        one.name(),
        time.text(3),
        tensors(own),
        100 * (memory - 1),
        resident(own),
        resident(lora),
        one.targets().besideLora(time.median(), memory));
  }
}
