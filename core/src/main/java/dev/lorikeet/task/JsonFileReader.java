package dev.lorikeet.task;

import dev.lorikeet.error.DataException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Reads the objects of a JSON array or of JSON lines, whichever the file holds. */
final class JsonFileReader {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private JsonFileReader() {}

  /**
   * All records of {@code file}.
   *
   * @throws DataException for text that is not JSON, or a value that is not an object
   */
  static List<TaskRecord> records(Path file) {
    List<TaskRecord> records = new ArrayList<>();
    try (JsonParser parser = MAPPER.createParser(file)) {
      JsonToken token = parser.nextToken();
      if (token == JsonToken.START_ARRAY) {
        token = parser.nextToken();
      }
      for (; token != null && token != JsonToken.END_ARRAY; token = parser.nextToken()) {
        int line = parser.currentTokenLocation().getLineNr();
        if (token != JsonToken.START_OBJECT) {
          throw new DataException(
              "%s, line %d: expected an object {…}, found %s".formatted(file, line, token));
        }
        JsonNode node = parser.readValueAsTree();
        records.add(new TaskRecord(file, line, node));
      }
      return records;
    } catch (JacksonException e) {
      TokenStreamLocation at = e.getLocation();
      throw new DataException(
          "%s%s: not valid JSON: %s"
              .formatted(
                  file,
                  at == null || at.getLineNr() < 1 ? "" : ", line " + at.getLineNr(),
                  e.getOriginalMessage()),
          e);
    }
  }
}
