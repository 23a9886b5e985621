package dev.lorikeet.tokenizer;

import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Writes a {@code tokenizer.json} (version 1.0 of the tokenizers library) from its parts. */
final class TokenizerJson {
  private TokenizerJson() {}

  /**
   * What happens around the model; a null node for what does not.
   *
   * @param normalizer changes the text
   * @param preTokenizer cuts it into words
   * @param postProcessor puts tokens in front and behind
   * @param decoder makes text of pieces
   */
  record Steps(
      JsonNode normalizer, JsonNode preTokenizer, JsonNode postProcessor, JsonNode decoder) {}

  /** What makes pieces of a word. */
  sealed interface Model {}

  /** Two pieces that become one. */
  record Merge(String left, String right) {}

  /** What a BPE model does with characters that it has no piece for. */
  enum Fallback {
    NONE,
    /** A piece {@code <0x00>} to {@code <0xFF>} for each byte of its UTF-8. */
    BYTES
  }

  /** Whether a word that is a piece as a whole is taken as such, whatever the merges would make. */
  enum WholeWords {
    MERGED,
    TAKEN
  }

  /**
   * Byte-pair encoding.
   *
   * @param vocabulary ids by piece
   * @param merges by rank, the first first
   * @param unknown stands for a run of characters without a piece; without it they vanish
   */
  record Bpe(
      Map<String, Integer> vocabulary,
      List<Merge> merges,
      Optional<String> unknown,
      Fallback fallback,
      WholeWords words)
      implements Model {}

  /**
   * The likeliest cut by a unigram model.
   *
   * @param pieces by id; their types do not matter
   * @param unknown id of the piece that stands for what no other covers
   */
  record Unigram(List<SentencePieceModel.Piece> pieces, int unknown, Fallback fallback)
      implements Model {}

  /** The file's bytes. */
  static byte[] write(AddedTokens added, Steps steps, Model model) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = JsonMapper.shared().createGenerator(bytes)) {
      json.writeStartObject();
      json.writeStringProperty("version", "1.0");
      json.writeNullProperty("truncation");
      json.writeNullProperty("padding");
      json.writeName("added_tokens").writeTree(added.json());
      json.writeName("normalizer").writeTree(steps.normalizer());
      json.writeName("pre_tokenizer").writeTree(steps.preTokenizer());
      json.writeName("post_processor").writeTree(steps.postProcessor());
      json.writeName("decoder").writeTree(steps.decoder());
      json.writeObjectPropertyStart("model");
      switch (model) {
        case Bpe bpe -> write(json, bpe);
        case Unigram unigram -> write(json, unigram);
      }
      json.writeEndObject();
      json.writeEndObject();
    }
    return bytes.toByteArray();
  }

  private static void write(JsonGenerator json, Bpe bpe) {
    json.writeStringProperty("type", "BPE");
    json.writeNullProperty("dropout");
    if (bpe.unknown().isPresent()) {
      json.writeStringProperty("unk_token", bpe.unknown().get());
    } else {
      json.writeNullProperty("unk_token");
    }
    json.writeNullProperty("continuing_subword_prefix");
    json.writeNullProperty("end_of_word_suffix");
    json.writeBooleanProperty("fuse_unk", bpe.unknown().isPresent());
    json.writeBooleanProperty("byte_fallback", bpe.fallback() == Fallback.BYTES);
    json.writeBooleanProperty("ignore_merges", bpe.words() == WholeWords.TAKEN);
    json.writeObjectPropertyStart("vocab");
    bpe.vocabulary().forEach(json::writeNumberProperty);
    json.writeEndObject();
    json.writeArrayPropertyStart("merges");
    for (Merge merge : bpe.merges()) {
      json.writeStartArray();
      json.writeString(merge.left());
      json.writeString(merge.right());
      json.writeEndArray();
    }
    json.writeEndArray();
  }

  private static void write(JsonGenerator json, Unigram unigram) {
    json.writeStringProperty("type", "Unigram");
    json.writeNumberProperty("unk_id", unigram.unknown());
    json.writeArrayPropertyStart("vocab");
    for (SentencePieceModel.Piece piece : unigram.pieces()) {
      json.writeStartArray();
      json.writeString(piece.text());
      json.writeNumber((double) piece.score());
      json.writeEndArray();
    }
    json.writeEndArray();
    json.writeBooleanProperty("byte_fallback", unigram.fallback() == Fallback.BYTES);
  }
}
