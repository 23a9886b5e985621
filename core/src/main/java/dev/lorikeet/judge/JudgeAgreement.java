package dev.lorikeet.judge;

import dev.lorikeet.error.DataException;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.stat.CohenKappa;
import dev.lorikeet.stat.Estimate;
import dev.lorikeet.stat.Estimates;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * How far two raters, judges or people, give the same grades.
 *
 * @param items that both graded
 * @param same share of items with the same grade
 * @param kappa agreement beyond chance, all disagreements the same
 * @param weightedKappa agreement beyond chance, disagreements by their square: 4 and 5 nearly agree
 */
public record JudgeAgreement(int items, Estimate same, double kappa, double weightedKappa) {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  /**
   * The agreement over the items that both graded.
   *
   * @param first grades by item
   * @param rubric whose grades these are
   * @throws DataException if no item has both, or a grade is none of the rubric's
   */
  public static JudgeAgreement of(
      Map<String, Integer> first, Map<String, Integer> second, Rubric rubric, double level) {
    List<Integer> some = new ArrayList<>();
    List<Integer> others = new ArrayList<>();
    int same = 0;
    for (Map.Entry<String, Integer> entry : first.entrySet()) {
      Integer other = second.get(entry.getKey());
      if (other != null) {
        some.add(checked(entry.getKey(), entry.getValue(), rubric));
        others.add(checked(entry.getKey(), other, rubric));
        same += entry.getValue().equals(other) ? 1 : 0;
      }
    }
    if (some.isEmpty()) {
      throw new DataException(
          "The two sets of grades by rubric "
              + rubric.name()
              + " have no item in common; check the ids");
    }
    return new JudgeAgreement(
        some.size(),
        Estimates.proportion(same, some.size(), level),
        CohenKappa.of(some, others, rubric.grades(), CohenKappa.Weights.NOMINAL),
        CohenKappa.of(some, others, rubric.grades(), CohenKappa.Weights.QUADRATIC));
  }

  private static int checked(String id, int grade, Rubric rubric) {
    if (!rubric.grades().contains(grade)) {
      throw new DataException(
          "Item %s has the grade %d; rubric %s goes from %d to %d"
              .formatted(id, grade, rubric.name(), rubric.lowest(), rubric.highest()));
    }
    return grade;
  }

  /**
   * Grades by people: JSON lines {@code {"id": "…", "score": 4}}.
   *
   * @throws FormatException if the file cannot be read; names the line
   */
  public static Map<String, Integer> labels(Path file) {
    Map<String, Integer> labels = new LinkedHashMap<>();
    List<String> lines;
    try {
      lines = Files.readAllLines(file, StandardCharsets.UTF_8);
    } catch (IOException failure) {
      throw new FormatException(file, "cannot be read: " + failure.getMessage(), failure);
    }
    for (int i = 0; i < lines.size(); i++) {
      if (lines.get(i).isBlank()) {
        continue;
      }
      String place = "line " + (i + 1);
      JsonNode json = line(file, place, lines.get(i));
      if (!json.path("id").isString() || !json.path("score").isInt()) {
        throw new FormatException(
            file, place, "must be {\"id\": \"...\", \"score\": 4}, found " + lines.get(i));
      }
      if (labels.put(json.path("id").asString(), json.path("score").asInt()) != null) {
        throw new FormatException(file, place, "a second grade of " + json.path("id").asString());
      }
    }
    return labels;
  }

  private static JsonNode line(Path file, String place, String text) {
    try {
      return MAPPER.readTree(text);
    } catch (JacksonException broken) {
      throw new FormatException(
          file, place + " is not JSON: " + broken.getOriginalMessage(), broken);
    }
  }
}
