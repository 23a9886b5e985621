package dev.lorikeet.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.TemplateException;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * Every construct against jinja2 in transformers' environment; {@code reference/make_templates.py}
 * wrote the answers.
 */
class ExpectedTemplatesTest {
  static final Clock CLOCK =
      Clock.fixed(Instant.parse("2024-07-06T14:05:09.000042Z"), ZoneOffset.UTC);

  private final JsonNode expected = Json.resource("expected.json");
  private final Map<String, @Nullable Object> variables = Json.map(expected.path("variables"));

  @Test
  void everyConstructGivesPythonsTextOrPythonsError() {
    List<String> wrong = new ArrayList<>();
    for (JsonNode entry : expected.path("templates")) {
      String template = entry.path("template").stringValue();
      String problem = problem(entry, template);
      if (!problem.isEmpty()) {
        wrong.add(template + "\n" + problem);
      }
    }
    assertTrue(expected.path("templates").size() > 300);
    assertTrue(wrong.isEmpty(), wrong.size() + " differ:\n" + String.join("\n\n", wrong));
  }

  private String problem(JsonNode entry, String template) {
    String text;
    try {
      text = Template.parse("t", template).render(variables, CLOCK);
    } catch (TemplateException failure) {
      if (entry.has("text")) {
        return "  expected: " + entry.path("text") + "\n  failed:   " + failure.getMessage();
      }
      boolean isSameLine = !entry.has("line") || entry.path("line").intValue() == failure.line();
      String message = entry.path("message").stringValue();
      boolean isSame = message.isEmpty() || failure.problem().contains(message);
      return (isSameLine && isSame) || OtherWords.has(template)
          ? ""
          : "  expected failure: line "
              + entry.path("line")
              + " "
              + message
              + "\n  failed with:      "
              + failure.getMessage();
    }
    if (!entry.has("text")) {
      return "  expected failure: " + entry.path("message") + "\n  gave: " + text;
    }
    String wanted = entry.path("text").stringValue();
    return text.equals(wanted) ? "" : "  expected: " + wanted + "\n  gave:     " + text;
  }

  @Test
  void generationBlocksAreWhereTransformersSeesThem() {
    for (JsonNode entry : expected.path("generation")) {
      Rendering rendering =
          Template.parse("t", entry.path("template").stringValue())
              .render(variables, CLOCK, Template.Marks.KEPT);
      assertEquals(entry.path("text").stringValue(), rendering.text());
      List<List<Integer>> spans =
          rendering.generation().stream()
              .map(span ->
                  List.of(
                      rendering.text().codePointCount(0, span.start()),
                      rendering.text().codePointCount(0, span.end())))
              .toList();
      List<List<Integer>> wanted = new ArrayList<>();
      entry
          .path("spans")
          .forEach(span -> wanted.add(List.of(span.path(0).intValue(), span.path(1).intValue())));
      assertEquals(wanted, spans);
    }
  }
}
