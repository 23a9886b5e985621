package dev.lorikeet.data;

import dev.lorikeet.config.DataSettings.Format;
import dev.lorikeet.error.DataException;
import dev.lorikeet.error.Spelling;
import dev.lorikeet.source.JsonText;
import dev.lorikeet.source.SourceRecord;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

/**
 * Tells the format from the keys of the first records. All of them have to have the same.
 *
 * @param format what they have
 * @param columns what the keys of the format are called where they have other common names, such as
 *     {@code question} and {@code answer}
 * @param why for a person: the keys that tell
 */
record FormatDetection(Format format, Map<String, String> columns, String why) {
  /** Most records that are looked at. */
  static final int LOOKED_AT = 64;

  /** A layout: the keys that a record needs, in the order of their names in the format. */
  private record Layout(Format format, List<String> keys, Map<String, String> columns) {
    static Layout of(Format format, String... keys) {
      return new Layout(format, List.of(keys), Map.of());
    }
  }

  private static final List<Layout> LAYOUTS =
      List.of(
          Layout.of(Format.CHAT, "messages"),
          Layout.of(Format.ALPACA, "instruction", "output"),
          new Layout(
              Format.ALPACA,
              List.of("instruction", "response"),
              ordered("output", "response", "input", "context")),
          Layout.of(Format.COMPLETION, "prompt", "completion"),
          Layout.of(Format.COMPLETION, "prompt", "response"),
          new Layout(
              Format.COMPLETION,
              List.of("question", "answer"),
              ordered("prompt", "question", "completion", "answer")),
          Layout.of(Format.TEXT, "text"));

  /**
   * The format of {@code records}, at least one.
   *
   * @throws DataException naming two records of different formats, or what a record has that has
   *     none
   */
  static FormatDetection of(List<SourceRecord> records) {
    FormatDetection first = of(records.getFirst());
    for (SourceRecord record : records) {
      FormatDetection found = of(record);
      if (!found.equals(first)) {
        throw record.problem(
            "it looks like %s (%s), but %s like %s (%s); put records of one format into a file, or set data.format"
                .formatted(
                    found.format.spelling(),
                    found.why,
                    records.getFirst().place(),
                    first.format.spelling(),
                    first.why));
      }
    }
    return first;
  }

  /** The format that a record looks like, whatever it should have. */
  static Optional<Format> guess(SourceRecord record) {
    return found(record).map(FormatDetection::format);
  }

  private static FormatDetection of(SourceRecord record) {
    return found(record).orElseThrow(() -> unknown(record));
  }

  private static Optional<FormatDetection> found(SourceRecord record) {
    if (record.has("conversations")) {
      return conversations(record);
    }
    for (Layout layout : LAYOUTS) {
      if (layout.keys.stream().allMatch(record.values()::containsKey)) {
        return Optional.of(
            new FormatDetection(layout.format, layout.columns, String.join(", ", layout.keys)));
      }
    }
    return Optional.empty();
  }

  private static Optional<FormatDetection> conversations(SourceRecord record) {
    Object value = record.values().get("conversations");
    if (value instanceof String text) {
      value = parsed(text);
    }
    Object first = value instanceof List<?> list && !list.isEmpty() ? list.getFirst() : "";
    if (first instanceof Map<?, ?> message) {
      boolean roles = message.containsKey("role");
      return Optional.of(
          new FormatDetection(
              roles ? Format.CHAT : Format.SHAREGPT,
              roles ? Map.of("messages", "conversations") : Map.of(),
              roles ? "conversations of role, content" : "conversations of from, value"));
    }
    return Optional.of(new FormatDetection(Format.TURNS, Map.of(), "conversations of texts"));
  }

  private static @Nullable Object parsed(String text) {
    try {
      return JsonText.value(text);
    } catch (JacksonException noJson) {
      return text;
    }
  }

  private static DataException unknown(SourceRecord record) {
    List<String> hints = new ArrayList<>();
    Set<String> keys = record.values().keySet();
    for (String key :
        List.of("instruction", "output", "prompt", "completion", "messages", "conversations")) {
      Spelling.nearest(key, keys)
          .filter(near -> !near.equals(key))
          .ifPresent(near -> hints.add(key + ": " + near));
    }
    return record.problem(
        "the format cannot be told from its keys (%s); set data.format, or say what they mean, as in data.columns: {%s}"
            .formatted(
                keys.isEmpty() ? "none" : String.join(", ", keys),
                hints.isEmpty() ? "prompt: …, completion: …" : String.join(", ", hints)));
  }

  private static Map<String, String> ordered(String... namesAndColumns) {
    Map<String, String> columns = new LinkedHashMap<>();
    for (int i = 0; i < namesAndColumns.length; i += 2) {
      columns.put(namesAndColumns[i], namesAndColumns[i + 1]);
    }
    return columns;
  }
}
