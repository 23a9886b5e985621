package dev.lorikeet.tokenizer;

import dev.lorikeet.error.FormatException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Pattern;
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
 * A {@code tokenizer.json}: its bytes and the ids in it. A folder without one may have a {@code
 * tokenizer.model} or {@code vocab.json} and {@code merges.txt}, which are converted to one in
 * memory.
 *
 * <p>Ids stand in {@code added_tokens} (objects with {@code content} and {@code id}) and in {@code
 * model.vocab}, which is an object token → id, or for Unigram models a list of [token, score] whose
 * index is the id.
 */
final class TokenizerFile {
  private static final String JSON = "tokenizer.json";
  private static final String SENTENCE_PIECE = "tokenizer.model";
  private static final Pattern TIKTOKEN = Pattern.compile("[A-Za-z0-9+/]+={0,2} [0-9]+\\n");

  /** Reads one value in the middle of a file. */
  private static final ObjectReader SUBTREE =
      JsonMapper.shared().reader().without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private final Path file;
  private final String files;
  private final byte[] bytes;
  private final Map<String, Integer> idOfToken = new HashMap<>();
  private final BitSet specials = new BitSet();
  private String algorithm = "";
  private String unknownToken = "";
  private OptionalInt unknownId = OptionalInt.empty();
  private OptionalInt begin = OptionalInt.empty();
  private OptionalInt end = OptionalInt.empty();
  private int vocabSize;

  private TokenizerFile(Path file, String files, byte[] bytes) {
    this.file = file;
    this.files = files;
    this.bytes = bytes;
  }

  /**
   * Reads the tokenizer of {@code folder}.
   *
   * @throws FormatException if there is none, or it is damaged or of a kind that is not known
   */
  static TokenizerFile of(Path folder) {
    Path json = folder.resolve(JSON);
    Path model = folder.resolve(SENTENCE_PIECE);
    Path vocabulary = folder.resolve(VocabAndMerges.VOCABULARY);
    if (Files.exists(json)) {
      return read(json, JSON, bytes(json));
    }
    if (Files.exists(model)) {
      byte[] bytes = bytes(model);
      requireNoTiktoken(model, bytes);
      SentencePieceModel pieces = SentencePieceModel.read(model, bytes);
      TokenizerConfig config = TokenizerConfig.read(folder);
      TokenizerFile read =
          read(model, SENTENCE_PIECE, SentencePieceConversion.convert(model, pieces, config));
      read.begin = present(pieces.specials().begin());
      read.end = present(pieces.specials().end());
      return read;
    }
    if (Files.exists(vocabulary) && Files.exists(folder.resolve(VocabAndMerges.MERGES))) {
      TokenizerConfig config = TokenizerConfig.read(folder);
      return read(
          vocabulary,
          VocabAndMerges.VOCABULARY + " and " + VocabAndMerges.MERGES,
          VocabAndMerges.convert(folder, config));
    }
    if (!Files.isDirectory(folder)) {
      throw new FormatException(folder, "there is no such folder; name one that holds a model");
    }
    throw new FormatException(
        json,
        "does not exist, nor does "
            + SENTENCE_PIECE
            + ", or vocab.json with merges.txt; a checkpoint needs the tokenizer of its Hugging Face"
            + " repository");
  }

  private static OptionalInt present(int id) {
    return id < 0 ? OptionalInt.empty() : OptionalInt.of(id);
  }

  private static byte[] bytes(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new FormatException(file, "cannot be read: " + e, e);
    }
  }

  /** A tiktoken file is lines of a token in Base64 and its rank. */
  private static void requireNoTiktoken(Path file, byte[] bytes) {
    String start = new String(bytes, 0, Math.min(64, bytes.length), StandardCharsets.ISO_8859_1);
    if (TIKTOKEN.matcher(start).lookingAt()) {
      throw new FormatException(
          file,
          "is a tiktoken vocabulary, not a SentencePiece model; use the tokenizer.json of the"
              + " Hugging Face repository");
    }
  }

  private static TokenizerFile read(Path file, String files, byte[] bytes) {
    TokenizerFile read = new TokenizerFile(file, files, bytes);
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

  /** How text is cut, and the files that say it. */
  TokenizerKind kind() {
    return new TokenizerKind(algorithm, files);
  }

  /** The token that begins a sequence, as the vocabulary's own file says. */
  OptionalInt begin() {
    return begin;
  }

  /** The token that ends a sequence, as the vocabulary's own file says. */
  OptionalInt end() {
    return end;
  }

  /** Whether {@code id} is an added token that steers the model. */
  boolean isSpecial(int id) {
    return specials.get(id);
  }

  /** Id of the token that stands for text without one. */
  OptionalInt unknownId() {
    return unknownId.isPresent() ? unknownId : idOf(unknownToken);
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
      boolean special = false;
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String key = parser.currentName();
        JsonToken value = parser.nextToken();
        if (key.equals("content") && value == JsonToken.VALUE_STRING) {
          content = parser.getString();
        } else if (key.equals("id") && value == JsonToken.VALUE_NUMBER_INT) {
          id = parser.getIntValue();
        } else if (key.equals("special")) {
          special = value == JsonToken.VALUE_TRUE;
        } else {
          parser.skipChildren();
        }
      }
      put(content, id);
      specials.set(id, special);
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
      } else if (key.equals("type") && value == JsonToken.VALUE_STRING) {
        algorithm = parser.getString();
      } else if (key.equals("unk_token") && value == JsonToken.VALUE_STRING) {
        unknownToken = parser.getString();
      } else if (key.equals("unk_id") && value == JsonToken.VALUE_NUMBER_INT) {
        unknownId = OptionalInt.of(parser.getIntValue());
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
