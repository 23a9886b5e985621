package dev.lorikeet.metric;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.DataException;
import dev.lorikeet.stat.Uncertainty;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Agreement with Python's json module and a second implementation (make_json). */
class JsonMetricsTest {

  @Test
  void validityAgreesWithPython() {
    Metric metric = ReferenceCases.metric("valid_json");
    for (JsonNode one : ReferenceCases.with("json", "valid")) {
      String text = one.path("text").asString();
      assertEquals(
          one.path("valid").asBoolean() ? 1 : 0, ReferenceCases.score(metric, text), "<" + text);
    }
  }

  @Test
  void fieldsAgreeWithASecondImplementation() {
    for (JsonNode one : ReferenceCases.with("json", "counts")) {
      boolean ordered = one.path("ordered").asBoolean();
      Metric metric =
          ReferenceCases.metric(ordered ? "json_fields" : "json_fields(lists=unordered)");
      Item item =
          Item.written(
              "1", "", one.path("answer").asString(), List.of(one.path("expected").asString()));
      ItemScore score = metric.score(item);
      assertEquals(one.path("f1").asDouble(), score.value(), 1e-15, one.toString());
      Map<String, Double> expected = new TreeMap<>();
      one.path("counts")
          .properties()
          .forEach(field -> {
            for (int i = 0; i < 3; i++) {
              double count = field.getValue().get(i).asDouble();
              String name = List.of("found", "added", "missed").get(i);
              expected.merge(name, count, Double::sum);
              if (count > 0) {
                expected.put(name + ":" + field.getKey(), count);
              }
            }
          });
      assertEquals(expected, new TreeMap<>(score.parts()), one.toString());
    }
  }

  @Test
  void detailsGivePrecisionAndRecallOfEachField() {
    Metric metric = ReferenceCases.metric("json_fields");
    List<ItemScore> scores =
        List.of(
            metric.score(json("{\"name\":\"Ann\",\"age\":3.0}", "{\"name\":\"Ann\",\"age\":3}")),
            metric.score(json("{\"name\":\"Bob\"}", "{\"name\":\"Ben\",\"age\":4}")),
            metric.score(json("no JSON", "{\"name\":\"Cid\",\"age\":5}")));
    Score score =
        new Scores(metric, scores, Optional.empty())
            .score("json_fields", new Uncertainty(0.95, 1, 100));
    // name: one found, one wrong, one missed; age: one found, two missed.
    assertEquals(1 / 2.0, score.details().get("precision:name"));
    assertEquals(1 / 3.0, score.details().get("recall:name"));
    assertEquals(1.0, score.details().get("precision:age"));
    assertEquals(1 / 3.0, score.details().get("recall:age"));
    assertEquals(2 / 3.0, score.details().get("precision"));
    assertEquals(2 / 6.0, score.details().get("recall"));
    assertEquals(4 / 9.0, score.estimate().value(), 1e-15);
  }

  @Test
  void jsonCanBeLookedForInText() {
    String text = "Sure!\n```json\n{\"a\": 1}\n```\nAnything else?";
    assertEquals(0, ReferenceCases.score(ReferenceCases.metric("valid_json"), text));
    assertEquals(1, ReferenceCases.score(ReferenceCases.metric("valid_json(place=fenced)"), text));
    assertEquals(
        1,
        ReferenceCases.score(
            ReferenceCases.metric("valid_json(place=first)"), "so [ is {\"a\": 1} it"));
    assertEquals(
        0, ReferenceCases.score(ReferenceCases.metric("valid_json(place=first)"), "so [ is it"));
  }

  @Test
  void onlyTheAskedFieldsCount() {
    Metric metric = ReferenceCases.metric("json_fields(fields=a)");
    Item item = json("{\"a\":{\"x\":1},\"b\":2,\"ab\":1}", "{\"a\":{\"x\":1},\"b\":3}");
    assertEquals(1, metric.score(item).value());
  }

  @Test
  void anExpectedAnswerThatIsNoJsonIsTheDataSMistake() {
    Metric metric = ReferenceCases.metric("json_fields");
    DataException wrong =
        assertThrows(DataException.class, () -> metric.score(json("{}", "{'a': 1}")));
    assertTrue(wrong.getMessage().contains("{'a': 1}"), wrong.getMessage());
  }

  private static Item json(String answer, String expected) {
    return Item.written("1", "", answer, List.of(expected));
  }
}
