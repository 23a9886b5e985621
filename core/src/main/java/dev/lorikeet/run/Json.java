package dev.lorikeet.run;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

/**
 * JSON of the run's files; the keys are those of the Hugging Face trainer's log where it has one.
 */
final class Json {
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .build();
  private static final TypeReference<LinkedHashMap<String, Object>> OBJECT =
      new TypeReference<>() {};

  private Json() {}

  static String line(Object value) {
    return MAPPER.writeValueAsString(value);
  }

  static String pretty(Object value) {
    return MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(value) + "\n";
  }

  /**
   * Throws {@link tools.jackson.core.JacksonException} where {@code text} is not one JSON object.
   */
  static Map<String, Object> object(String text) {
    return MAPPER.readValue(text, OBJECT);
  }

  /** The step of a line of measurements; empty where the line is not whole. */
  static OptionalLong step(String line) {
    try {
      return object(line).get("step") instanceof Number step
          ? OptionalLong.of(step.longValue())
          : OptionalLong.empty();
    } catch (JacksonException halfWritten) {
      return OptionalLong.empty();
    }
  }

  static Map<String, Object> of(MetricsRow row) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("step", row.step());
    json.put("epoch", row.epoch());
    putFinite(json, "train_loss", row.trainLoss());
    row.validationLoss().ifPresent(loss -> putFinite(json, "validation_loss", loss));
    row.validationAccuracy().ifPresent(share -> json.put("validation_accuracy", share));
    json.put("learning_rate", row.learningRate());
    putFinite(json, "grad_norm", row.gradNorm());
    json.put("tokens_labelled", row.tokens().labelled());
    json.put("tokens_total", row.tokens().total());
    json.put("tokens_per_second", row.tokens().perSecond());
    json.put("cpu_utilisation", row.usage().cpuUtilisation());
    row.usage().gpuUtilisation().ifPresent(share -> json.put("gpu_utilisation", share));
    json.put("current_bytes", row.usage().currentBytes());
    json.put("peak_bytes", row.usage().peakBytes());
    json.put("elapsed_nanos", row.elapsedNanos());
    return json;
  }

  private static void putFinite(Map<String, Object> json, String key, double value) {
    json.put(key, Double.isFinite(value) ? (Object) value : null);
  }
}
