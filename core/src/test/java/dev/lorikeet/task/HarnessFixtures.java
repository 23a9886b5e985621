package dev.lorikeet.task;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.NullMarked;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What lm-evaluation-harness asked and computed, as {@code reference/make_eval.py} recorded it. */
@NullMarked
final class HarnessFixtures {
  static final Path FOLDER = Path.of("../engine/src/test/resources/reference/eval");
  static final Path OWN = FOLDER.resolve("data");
  static final Path SHARED = Path.of("../../shared/data");

  private HarnessFixtures() {}

  /** A run of one task. */
  record Case(
      String task, String version, int shots, List<Sample> samples, Map<String, Double> scores) {
    String title() {
      return task + " with " + shots + " shots";
    }
  }

  /** One document: requests and answers as JSON, metrics by our names. */
  record Sample(
      String id, JsonNode requests, List<Answer> answers, Map<String, JsonNode> metrics) {}

  static JsonNode json(String file) {
    return JsonMapper.builder().build().readTree(FOLDER.resolve(file));
  }

  static List<Case> cases(String file) {
    List<Case> cases = new ArrayList<>();
    for (JsonNode node : json(file)) {
      List<Sample> samples = new ArrayList<>();
      for (JsonNode sample : node.get("samples")) {
        samples.add(sample(sample));
      }
      Map<String, Double> scores = new LinkedHashMap<>();
      node.get("scores")
          .properties()
          .forEach(score -> scores.put(ourName(score.getKey()), score.getValue().doubleValue()));
      cases.add(
          new Case(
              node.get("task").asString(),
              node.get("version").asString(),
              node.get("shots").intValue(),
              samples,
              scores));
    }
    return cases;
  }

  private static Sample sample(JsonNode node) {
    List<Answer> answers = new ArrayList<>();
    for (JsonNode answer : node.get("answers")) {
      if (answer.isArray()) {
        answers.add(new Answer.Scored(answer.get(0).doubleValue(), answer.get(1).booleanValue()));
      } else if (answer.isString()) {
        answers.add(new Answer.Generated(answer.asString()));
      } else {
        answers.add(new Answer.Rolled(answer.doubleValue()));
      }
    }
    Map<String, JsonNode> metrics = new LinkedHashMap<>();
    node.get("metrics")
        .properties()
        .forEach(metric -> metrics.put(ourName(metric.getKey()), metric.getValue()));
    return new Sample(node.get("id").toString(), node.get("requests"), answers, metrics);
  }

  /** The harness's "metric,filter" as Lorikeet names it. */
  private static String ourName(String name) {
    String metric = name.substring(0, name.indexOf(','));
    return switch (name.substring(name.indexOf(',') + 1)) {
      case "strict-match" -> metric + "_strict";
      case "flexible-extract" -> metric + "_flexible";
      default -> metric;
    };
  }

  /** The texts of a request, in the harness's order of arguments. */
  static List<String> texts(Request request) {
    return switch (request) {
      case Request.LogLikelihood(String context, String continuation) ->
          List.of(context, continuation);
      case Request.Rolling(String text) -> List.of(text);
      case Request.Generation(String context, List<String> stops, int maxTokens) ->
          List.of(context);
    };
  }

  static String sha256(List<String> texts) {
    try {
      byte[] bytes = String.join("\0", texts).getBytes(StandardCharsets.UTF_8);
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
