package dev.lorikeet.format;

import dev.lorikeet.error.FormatException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** JSON as Python's {@code json} module writes it: objects in files, Infinity and NaN included. */
final class JsonFile {
  static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .enable(SerializationFeature.INDENT_OUTPUT)
          .build();

  /** For headers, where every byte counts. */
  static final JsonMapper COMPACT = JsonMapper.builder().build();

  /** Shard indices of the largest models stay below 10 MB. */
  private static final long MAX_BYTES = 100_000_000;

  private JsonFile() {}

  /**
   * The object in {@code file}.
   *
   * @throws FormatException if the file cannot be read, is not JSON, or holds no object
   */
  static ObjectNode readObject(Path file) {
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new FormatException(
            file, "has more than " + MAX_BYTES + " bytes, far beyond any configuration.");
      }
      JsonNode root = MAPPER.readTree(Files.readAllBytes(file));
      if (root instanceof ObjectNode object) {
        return object;
      }
      throw new FormatException(
          file, "expected a JSON object, found " + describe(root) + ". Download the file again.");
    } catch (IOException failure) {
      throw new FormatException(file, "cannot be read: " + reason(failure), failure);
    } catch (JacksonException failure) {
      throw new FormatException(
          file, "is not valid JSON: " + problem(failure) + ". Download the file again.", failure);
    }
  }

  /** What Jackson found and where, on one line. */
  static String problem(JacksonException failure) {
    String message = String.valueOf(failure.getOriginalMessage()).replaceAll("\\s+", " ");
    TokenStreamLocation location = failure.getLocation();
    return location == null
        ? message
        : "%s (line %d, column %d)"
            .formatted(message, location.getLineNr(), location.getColumnNr());
  }

  /** Type and beginning of a value, for messages. */
  static String describe(JsonNode node) {
    String type = node.getNodeType().name().toLowerCase(Locale.ROOT);
    String text = node.toString();
    if (node.isMissingNode()) {
      return "nothing";
    }
    return node.isNull()
        ? "null"
        : type + " " + (text.length() > 60 ? text.substring(0, 57) + "..." : text);
  }

  /** Why a file could not be read, in words. */
  static String reason(IOException failure) {
    return switch (failure) {
      case NoSuchFileException _ -> "the file does not exist";
      case AccessDeniedException _ -> "permission denied";
      default -> failure.getMessage() == null ? failure.toString() : failure.getMessage();
    };
  }
}
