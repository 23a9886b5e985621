package dev.lorikeet.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.lorikeet.error.TemplateException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Templates of real models; skipped where the shared data is absent. */
class PublishedTemplatesTest {
  private static final Path DATA = Path.of("../../shared/data/chat_templates");

  private static Path present(String name) {
    Path path = DATA.resolve(name);
    assumeTrue(Files.exists(path), "shared data is absent: " + path);
    return path;
  }

  @Test
  void conversationsOfFiftyModelsRenderAsPublished() {
    List<String> wrong = new ArrayList<>();
    int cases = 0;
    for (JsonNode entry : Json.file(present("hf_jinja_js/jinja_e2e.json"))) {
      if (entry.path("python_jinja2_matches").asBoolean(false)) {
        cases++;
        compare(
            entry.path("group").stringValue() + " " + entry.path("name").stringValue(),
            entry.path("chat_template").stringValue(),
            Json.map(entry.path("data")),
            entry.path("target").stringValue(),
            wrong);
      }
    }
    assertEquals(50, cases);
    assertNone(wrong);
  }

  @Test
  void smallCasesThatPythonAgreesWithRenderAsPublished() {
    List<String> wrong = new ArrayList<>();
    int cases = 0;
    for (JsonNode entry : Json.file(present("hf_jinja_js/jinja_unit.json"))) {
      if (entry.path("python_jinja2_matches").asBoolean(false)) {
        cases++;
        compare(
            entry.path("name").stringValue(),
            entry.path("template").stringValue(),
            Json.map(entry.path("context")),
            entry.path("target").stringValue(),
            wrong);
      }
    }
    assertEquals(98, cases);
    assertNone(wrong);
  }

  @Test
  void probesRenderByteForByte() throws IOException {
    JsonNode cases = Json.file(present("probes/cases.json"));
    JsonNode answers = Json.file(present("probes/ref.json"));
    List<String> wrong = new ArrayList<>();
    for (Map.Entry<String, JsonNode> answer : answers.properties()) {
      String[] name = answer.getKey().split(":", 2);
      String template = Files.readString(DATA.resolve("probes/tpl").resolve(name[0]));
      Map<String, @Nullable Object> variables = Json.map(cases.path(name[1]));
      variables.put("date_string", "26 Jul 2024");
      compare(
          answer.getKey(),
          template.replaceFirst("\n+$", ""),
          variables,
          answer.getValue().stringValue(),
          wrong);
    }
    assertTrue(answers.size() >= 30, "only " + answers.size());
    for (JsonNode probe : Json.file(present("probes/eref.json"))) {
      String template = probe.path(0).stringValue();
      compare(
          template, template, Json.map(cases.path("plain")), probe.path(1).stringValue(), wrong);
    }
    assertNone(wrong);
  }

  private static void compare(
      String name,
      String template,
      Map<String, @Nullable Object> variables,
      String wanted,
      List<String> wrong) {
    String made;
    try {
      made = Template.parse(name, template).render(variables, ExpectedTemplatesTest.CLOCK);
    } catch (TemplateException failure) {
      made = "EXC " + failure.problem();
    }
    boolean isSame =
        made.equals(wanted)
            || (made.startsWith("EXC ")
                && wanted.startsWith("EXC ")
                && wanted.endsWith(made.substring(4)));
    if (!isSame) {
      wrong.add(name + "\n  expected: " + wanted + "\n  made:     " + made);
    }
  }

  private static void assertNone(List<String> wrong) {
    assertTrue(wrong.isEmpty(), wrong.size() + " differ:\n" + String.join("\n", wrong));
  }

  @Test
  void everyTemplateRendersEveryConversationAsTransformersDoes() throws IOException {
    present("llamacpp");
    JsonNode published = Json.resource("published.json");
    List<String> wrong = new ArrayList<>();
    int compared = 0;
    for (Map.Entry<String, JsonNode> entry : published.path("templates").properties()) {
      String source = source(entry.getKey());
      for (Map.Entry<String, JsonNode> answer : entry.getValue().properties()) {
        Map<String, @Nullable Object> variables = Json.map(published.path("special"));
        variables.putAll(Json.map(published.path("conversations").path(answer.getKey())));
        String problem = problem(entry.getKey(), source, variables, answer.getValue());
        if (!problem.isEmpty()) {
          wrong.add(entry.getKey() + " " + answer.getKey() + ": " + problem);
        }
        compared++;
      }
    }
    assertTrue(compared > 500, "only " + compared);
    assertNone(wrong);
  }

  private static String problem(
      String name, String source, Map<String, @Nullable Object> variables, JsonNode answer) {
    try {
      String text = Template.parse(name, source).render(variables, ExpectedTemplatesTest.CLOCK);
      return !answer.has("sha256")
          ? "expected failure: " + answer.path("message").stringValue()
          : answer.path("sha256").stringValue().equals(sha256(text)) ? "" : "another text: " + text;
    } catch (TemplateException failure) {
      String message = answer.path("message").stringValue("");
      // Where Python's stack ends, ours has counted the levels.
      String wanted =
          answer.path("error").stringValue("").equals("RecursionError")
              ? "levels inside each other"
              : message;
      boolean isSame = answer.has("error") && failure.problem().contains(wanted);
      return isSame ? "" : "failed: " + failure.problem() + " instead of " + answer;
    }
  }

  private static String sha256(String text) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String source(String name) throws IOException {
    if (!name.contains("#")) {
      return Files.readString(DATA.resolve(name));
    }
    String[] place = name.split("#", 2);
    Map<String, String> templates = new LinkedHashMap<>();
    if (place[0].endsWith("index.json")) {
      Json.file(DATA.resolve(place[0]))
          .forEach(entry ->
              templates.put(
                  entry.path("name").stringValue(), entry.path("template").stringValue()));
    } else {
      int index = 0;
      for (String line : Files.readAllLines(DATA.resolve(place[0]))) {
        for (Map.Entry<String, JsonNode> entry : JsonMapper.shared().readTree(line).properties()) {
          templates.put(index + "-" + entry.getKey(), entry.getValue().stringValue());
        }
        index++;
      }
    }
    return Objects.requireNonNull(templates.get(place[1]), name);
  }
}
