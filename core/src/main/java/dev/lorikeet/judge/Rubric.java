package dev.lorikeet.judge;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.FormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * What a judge looks at and what each grade means.
 *
 * @param name as in {@code judge_NAME}: small letters, digits and underscores
 * @param question what is judged, for the judge to read
 * @param levels meaning of grades by number, the lowest and the highest at least
 * @param reference whether the expected answer is shown
 */
public record Rubric(
    String name, String question, SortedMap<Integer, String> levels, Reference reference) {

  /** Whether the judge sees the expected answer. */
  public enum Reference {
    SHOWN,
    HIDDEN
  }

  /** Whether the answer hangs together. */
  public static final Rubric COHERENCE =
      new Rubric(
          "coherence",
          "Is the answer coherent: well organised, free of contradictions, each sentence following"
              + " from what was said before? Judge neither whether it is true nor whether it fits the"
              + " question.",
          fiveLevels(
              "incoherent: cannot be followed, or contradicts itself throughout",
              "mostly incoherent",
              "partly coherent: can be followed, with breaks or contradictions",
              "mostly coherent, with a small flaw",
              "fully coherent"),
          Reference.HIDDEN);

  /** Whether the answer is about what was asked. */
  public static final Rubric RELEVANCE =
      new Rubric(
          "relevance",
          "Does the answer address what was asked, all of it, and nothing else? Judge neither"
              + " whether it is true nor how it is written.",
          fiveLevels(
              "irrelevant: does not address the question",
              "mostly irrelevant",
              "partly relevant: misses a part, or strays",
              "mostly relevant, with a small gap or digression",
              "fully relevant"),
          Reference.HIDDEN);

  /** Whether the answer says what the expected one says. */
  public static final Rubric CORRECTNESS =
      new Rubric(
          "correctness",
          "Is the answer correct, measured by the reference answer? Other words for the same facts"
              + " are correct; facts that contradict the reference answer are not.",
          fiveLevels(
              "wrong",
              "mostly wrong, with a correct part",
              "half correct, or correct with a serious error",
              "correct but for a small error or omission",
              "fully correct"),
          Reference.SHOWN);

  /** The rubrics that come with Lorikeet. */
  public static final List<Rubric> STANDARD = List.of(COHERENCE, RELEVANCE, CORRECTNESS);

  public Rubric {
    levels = Collections.unmodifiableSortedMap(new TreeMap<>(levels));
    if (!name.matches("[a-z][a-z0-9_]*")) {
      throw new ConfigException(
          "A rubric's name must be small letters, digits and underscores, found " + name);
    }
    if (question.isBlank() || levels.size() < 2) {
      throw new ConfigException("Rubric " + name + " must have a question and at least two levels");
    }
  }

  private static SortedMap<Integer, String> fiveLevels(String... meanings) {
    SortedMap<Integer, String> levels = new TreeMap<>();
    for (int i = 0; i < meanings.length; i++) {
      levels.put(i + 1, meanings[i]);
    }
    return levels;
  }

  /** The lowest grade. */
  public int lowest() {
    return levels.firstKey();
  }

  /** The highest grade. */
  public int highest() {
    return levels.lastKey();
  }

  /** All grades, rising; those between described levels count, too. */
  public List<Integer> grades() {
    return IntStream.rangeClosed(lowest(), highest()).boxed().toList();
  }

  /**
   * A user's rubric in YAML: {@code name}, {@code question}, {@code levels} (a map from whole
   * numbers to meanings), and {@code reference: true} where the judge is to see the expected
   * answer.
   *
   * @throws FormatException if the file cannot be read
   * @throws ConfigException if it breaks a rule
   */
  public static Rubric read(Path file) {
    JsonNode root;
    try {
      root = YAMLMapper.builder().build().readTree(Files.readString(file));
    } catch (IOException failure) {
      throw new FormatException(file, "cannot be read: " + failure.getMessage(), failure);
    } catch (JacksonException failure) {
      throw new FormatException(file, "is not YAML: " + failure.getOriginalMessage(), failure);
    }
    for (String key : root.propertyNames()) {
      if (!List.of("name", "question", "levels", "reference").contains(key)) {
        throw new FormatException(
            file, key, "is no key of a rubric; the keys are name, question, levels, reference");
      }
    }
    SortedMap<Integer, String> levels = new TreeMap<>();
    root.path("levels")
        .properties()
        .forEach(level -> levels.put(grade(file, level.getKey()), level.getValue().asString("")));
    return new Rubric(
        text(file, root, "name"),
        text(file, root, "question"),
        levels,
        root.path("reference").asBoolean(false) ? Reference.SHOWN : Reference.HIDDEN);
  }

  private static int grade(Path file, String text) {
    if (!text.matches("[0-9]{1,3}")) {
      throw new FormatException(
          file, "levels", "must be whole numbers from 0 to 999, found " + text);
    }
    return Integer.parseInt(text);
  }

  private static String text(Path file, JsonNode root, String key) {
    if (!root.path(key).isString()) {
      throw new FormatException(file, key, "is missing; it must be a text");
    }
    return root.path(key).asString();
  }
}
