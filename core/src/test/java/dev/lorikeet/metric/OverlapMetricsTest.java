package dev.lorikeet.metric;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lorikeet.stat.Uncertainty;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** Agreement with sacreBLEU (make_sacrebleu), and with torchmetrics and NLTK (make_rouge). */
class OverlapMetricsTest {
  /** Scores go to 100 through a logarithm and an exponential: a few roundings of 2⁻⁵³·100. */
  private static final double OF_HUNDRED = 1e-11;

  /** torchmetrics keeps its results as float32. */
  private static final double FLOAT32 = 1.2e-7;

  @ParameterizedTest
  @CsvSource({"bleu, bleu", "bleu(case=lower), bleu_lower", "chrf, chrf", "chrf++, chrf++"})
  void sentencesAgreeWithSacreBleu(String spec, String key) {
    Metric metric = ReferenceCases.metric(spec);
    for (JsonNode one : ReferenceCases.with("sacrebleu", "answer")) {
      assertEquals(
          one.path(key).asDouble(), metric.score(item(one)).value(), OF_HUNDRED, one.toString());
    }
  }

  @ParameterizedTest
  @CsvSource({"bleu, bleu", "bleu(case=lower), bleu_lower", "chrf, chrf", "chrf++, chrf++"})
  void filesAgreeWithSacreBleu(String spec, String key) {
    Metric metric = ReferenceCases.metric(spec);
    for (JsonNode one : ReferenceCases.with("sacrebleu", "items")) {
      List<ItemScore> scores = new ArrayList<>();
      one.path("items").forEach(item -> scores.add(metric.score(item(item))));
      Score score =
          new Scores(metric, scores, Optional.empty()).score(spec, new Uncertainty(0.95, 1, 100));
      assertEquals(one.path(key).asDouble(), score.estimate().value(), OF_HUNDRED);
    }
  }

  @Test
  void tokensAgreeWithSacreBleu() {
    for (JsonNode one : ReferenceCases.with("sacrebleu", "tokens")) {
      assertEquals(
          ReferenceCases.texts(one.path("tokens")),
          Tokenizer13a.tokens(one.path("answer").asString()));
    }
  }

  @Test
  void rougeAgreesWithTorchmetrics() {
    Map<String, String> keys =
        Map.of(
            "rouge_1", "rouge1",
            "rouge_2", "rouge2",
            "rouge_l", "rougeL",
            "rouge_lsum", "rougeLsum");
    for (JsonNode one : ReferenceCases.with("rouge", "stemmer")) {
      keys.forEach((name, key) -> {
        Metric metric =
            ReferenceCases.metric(name + "(stemmer=" + one.path("stemmer").asBoolean() + ")");
        assertEquals(
            one.path(key).asDouble(),
            metric.score(item(one)).value(),
            FLOAT32,
            name + " of " + one);
      });
    }
  }

  @Test
  void stemsAgreeWithNltk() {
    JsonNode one = ReferenceCases.with("rouge", "words").getFirst();
    List<String> words = ReferenceCases.texts(one.path("words"));
    List<String> stems = ReferenceCases.texts(one.path("stems"));
    for (int i = 0; i < words.size(); i++) {
      assertEquals(stems.get(i), PorterStemmer.stem(words.get(i)), words.get(i));
    }
  }

  private static Item item(JsonNode one) {
    return Item.written(
        "1", "", one.path("answer").asString(), ReferenceCases.texts(one.path("references")));
  }
}
