package dev.lorikeet.tokenizer;

import dev.lorikeet.error.FormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.OptionalInt;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.json.JsonMapper;

/**
 * A {@code tokenizer.json}: its bytes and the ids in it.
 *
 * <p>Ids stand in {@code added_tokens} (objects with {@code content} and {@code id}) and in {@code
 * model.vocab}, which is an object token → id, or for Unigram models a list of [token, score] whose
 * index is the id.
 */
final class TokenizerFile {
  /** Reads one value in the middle of a file. */
  private static final ObjectReader SUBTREE =
      JsonMapper.shared().reader().without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private final Path file;
  private final byte[] bytes;
  private final Map<String, Integer> idOfToken = new HashMap<>();
  private int vocabSize;

  private TokenizerFile(Path file, byte[] bytes) {
    this.file = file;
    this.bytes = bytes;
  }

  /**
   * Reads {@code file}.
   *
   * @throws FormatException if it is missing, not JSON, or holds no vocabulary
   */
  static TokenizerFile read(Path file) {
    byte[] bytes;
    try {
      bytes = Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new FormatException(
          file,
          "does not exist; a checkpoint needs the tokenizer.json of its Hugging Face repository",
          e);
    } catch (IOException e) {
      throw new FormatException(file, "cannot be read: " + e, e);
    }
    TokenizerFile read = new TokenizerFile(file, bytes);
    try (JsonParser parser = new JsonFactory().createParser(ObjectReadContext.empty(), bytes)) {
      read.scan(parser);
    } catch (JacksonException e) {
      TokenStreamLocation at = e.getLocation();
      String place = at == null ? "" : " at byte " + Math.max(0, at.getByteOffset());
      throw new FormatException(
          file,
          "is not valid JSON"
              + place
              + ": "
              + e.getOriginalMessage()
              + "; the file is damaged or incomplete, copy it again",
          e);
    }
    if (read.vocabSize == 0) {
      throw new FormatException(
          file, "holds no vocabulary (model.vocab); it is not a tokenizer.json");
    }
    return read;
  }

  Path file() {
    return file;
  }

  byte[] bytes() {
    return bytes;
  }

  /** Highest id + 1. */
  int vocabSize() {
    return vocabSize;
  }

  /** Id of the token that is written {@code token} in the file. */
  OptionalInt idOf(String token) {
    Integer id = idOfToken.get(token);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  String sha256() {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  private void scan(JsonParser parser) {
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      throw new FormatException(file, "is not a JSON object; it is not a tokenizer.json");
    }
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String key = parser.currentName();
      JsonToken value = parser.nextToken();
      if (key.equals("added_tokens") && value == JsonToken.START_ARRAY) {
        scanAddedTokens(parser);
      } else if (key.equals("model") && value == JsonToken.START_OBJECT) {
        scanModel(parser);
      } else if (key.equals("post_processor")) {
        requireDefinedTokens(SUBTREE.readTree(parser));
      } else {
        parser.skipChildren();
      }
    }
  }

  /**
   * The native library ends the whole process when a template names a token that it does not define
   * (tokenizers 0.21, template.rs), so this is checked before.
   */
  private void requireDefinedTokens(JsonNode node) {
    if (node.path("type").asString("").equals("TemplateProcessing")) {
      for (JsonNode piece : node.findValues("SpecialToken")) {
        String token = piece.path("id").asString("");
        if (!node.path("special_tokens").has(token)) {
          throw new FormatException(
              file,
              "post_processor",
              "uses \"" + token + "\", which its special_tokens do not define");
        }
      }
    } else {
      node.forEach(this::requireDefinedTokens);
    }
  }

  private void scanAddedTokens(JsonParser parser) {
    while (parser.nextToken() == JsonToken.START_OBJECT) {
      String content = "";
      int id = -1;
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String key = parser.currentName();
        JsonToken value = parser.nextToken();
        if (key.equals("content") && value == JsonToken.VALUE_STRING) {
          content = parser.getString();
        } else if (key.equals("id") && value == JsonToken.VALUE_NUMBER_INT) {
          id = parser.getIntValue();
        } else {
          parser.skipChildren();
        }
      }
      put(content, id);
    }
  }

  private void scanModel(JsonParser parser) {
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String key = parser.currentName();
      JsonToken value = parser.nextToken();
      if (key.equals("vocab") && value == JsonToken.START_OBJECT) {
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          String token = parser.currentName();
          parser.nextToken();
          put(token, parser.getIntValue());
        }
      } else if (key.equals("vocab") && value == JsonToken.START_ARRAY) {
        for (int id = 0; parser.nextToken() == JsonToken.START_ARRAY; id++) {
          put(parser.nextStringValue(), id);
          while (parser.nextToken() != JsonToken.END_ARRAY) {
            parser.skipChildren();
          }
        }
      } else {
        parser.skipChildren();
      }
    }
  }

  /** An added token comes first in the file and wins over a vocabulary entry of the same text. */
  private void put(String token, int id) {
    if (id < 0) {
      throw new FormatException(file, "token \"" + token + "\" has no id");
    }
    idOfToken.putIfAbsent(token, id);
    vocabSize = Math.max(vocabSize, Math.addExact(id, 1));
  }
}
