package dev.lorikeet.metric;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lorikeet.stat.Uncertainty;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Perplexities and choices against their formulas. */
class LikelihoodMetricsTest {
  private static final Uncertainty UNCERTAINTY = new Uncertainty(0.95, 3, 200);

  @Test
  void perplexityWeighsTokensNotItems() {
    // Two items: 3 nats over 2 tokens and 5 bytes, 5 nats over 6 tokens and 11 bytes.
    assertEquals(Math.exp(8.0 / 8), of("perplexity"), 1e-15);
    assertEquals(Math.exp(8.0 / 16), of("byte_perplexity"), 1e-15);
    assertEquals(8.0 / 16 / Math.log(2), of("bits_per_byte"), 1e-15);
  }

  private static double of(String name) {
    Metric metric = ReferenceCases.metric(name);
    List<ItemScore> scores =
        List.of(
            metric.score(Item.likely("1", new Item.Likelihood(-3, 2, 5))),
            metric.score(Item.likely("2", new Item.Likelihood(-5, 6, 11))));
    return new Scores(metric, scores, Optional.empty()).score(name, UNCERTAINTY).estimate().value();
  }

  @Test
  void anItemSPerplexityIsItsOwn() {
    Metric metric = ReferenceCases.metric("perplexity");
    assertEquals(
        Math.exp(1.5),
        metric.score(Item.likely("1", new Item.Likelihood(-3, 2, 5))).value(),
        1e-15);
    assertEquals(
        Double.MAX_VALUE, metric.score(Item.likely("1", new Item.Likelihood(-5000, 2, 5))).value());
  }

  @Test
  void aLikelihoodIsTheSumOfItsTokens() {
    assertEquals(
        new Item.Likelihood(-1.75, 3, 5),
        Item.Likelihood.of(new float[] {-1, -0.5f, -0.25f}, "h\u00e4ll"));
  }

  @Test
  void theMostLikelyChoiceCountsByTheLengthAskedFor() {
    List<Item.Choice> choices =
        List.of(
            new Item.Choice("no", -4, 2),
            new Item.Choice("definitely", -5, 4),
            new Item.Choice("\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9", -4.5, 1));
    // As they are -4, -5, -4.5; by characters -2, -.5, -.5625; by bytes -2, -.5, -.28; by tokens
    // -2,
    // -1.25, -4.5.
    assertEquals(1, choice("choice_accuracy", choices, 0));
    assertEquals(1, choice("choice_accuracy(normalize=characters)", choices, 1));
    assertEquals(1, choice("choice_accuracy(normalize=bytes)", choices, 2));
    assertEquals(1, choice("choice_accuracy(normalize=tokens)", choices, 1));
    assertEquals(0, choice("choice_accuracy", choices, 1));
  }

  @Test
  void ofEqualChoicesTheFirstCounts() {
    List<Item.Choice> choices = List.of(new Item.Choice("a", -1, 1), new Item.Choice("b", -1, 1));
    assertEquals(1, choice("choice_accuracy", choices, 0));
    assertEquals(0, choice("choice_accuracy", choices, 1));
  }

  @Test
  void aMissingNeedIsOurMistake() {
    Metric metric = ReferenceCases.metric("perplexity");
    Item item = Item.written("7", "", "text", List.of());
    assertThrows(IllegalStateException.class, () -> metric.score(item));
  }

  private static double choice(String spec, List<Item.Choice> choices, int gold) {
    return ReferenceCases.metric(spec)
        .score(Item.chosen("1", new Item.ChoiceScores(choices, List.of(gold))))
        .value();
  }
}
