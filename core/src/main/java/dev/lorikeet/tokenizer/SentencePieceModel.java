package dev.lorikeet.tokenizer;

import dev.lorikeet.error.FormatException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What a SentencePiece model file ({@code tokenizer.model}) says, as far as a tokenizer needs it.
 *
 * <p>The file is a {@code ModelProto}: pieces (field 1), trainer's settings (2) and normaliser (3).
 *
 * @param pieces by id
 * @param algorithm how text is cut into pieces
 * @param specials ids of the tokens with a meaning
 * @param byteFallback whether what no piece covers becomes its UTF-8 bytes
 * @param normalizer what happens to the text before
 * @see <a href="https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto">
 *     sentencepiece_model.proto</a>
 */
record SentencePieceModel(
    List<Piece> pieces,
    Algorithm algorithm,
    Specials specials,
    boolean byteFallback,
    Normalizer normalizer) {

  SentencePieceModel {
    pieces = List.copyOf(pieces);
  }

  /** How text is cut into pieces. */
  enum Algorithm {
    UNIGRAM,
    BPE,
    WORD,
    CHAR
  }

  /** What a piece is for, in the order of the file's numbers from 1. */
  enum PieceType {
    NORMAL,
    UNKNOWN,
    CONTROL,
    USER_DEFINED,
    UNUSED,
    BYTE
  }

  /** A piece; the space is written U+2581, and {@code score} is its log-probability or −rank. */
  record Piece(String text, float score, PieceType type) {}

  /** Ids of the tokens with a meaning; −1 where there is none. */
  record Specials(int unknown, int begin, int end) {}

  /**
   * What happens to a text before it is cut.
   *
   * @param charsMap character replacements in Darts-clone's form, in Base64; empty for none
   * @param addDummyPrefix whether a space is put in front
   * @param removeExtraSpaces whether spaces at both ends go, and of several in a row all but one
   */
  record Normalizer(String charsMap, boolean addDummyPrefix, boolean removeExtraSpaces) {}

  /**
   * Reads a model.
   *
   * @param file where {@code bytes} were read from
   * @throws FormatException if they are no SentencePiece model, or one that Lorikeet cannot use
   */
  static SentencePieceModel read(Path file, byte[] bytes) {
    Trainer trainer = new Trainer();
    Normalizer normalizer = new Normalizer("", true, true);
    List<Piece> pieces = new ArrayList<>();
    ProtobufReader model = new ProtobufReader(file, bytes);
    while (model.next()) {
      switch (model.field()) {
        case 1 -> pieces.add(piece(file, model.message(), pieces.size()));
        case 2 -> trainer.read(file, model.message());
        case 3 -> normalizer = normalizer(file, model.message());
        default -> model.skip();
      }
    }
    requirePieces(file, pieces, trainer);
    return new SentencePieceModel(
        pieces,
        trainer.algorithm,
        new Specials(trainer.unknown, trainer.begin, trainer.end),
        trainer.byteFallback,
        normalizer);
  }

  private static void requirePieces(Path file, List<Piece> pieces, Trainer trainer) {
    if (pieces.isEmpty()) {
      throw new FormatException(file, "holds no pieces; it is no SentencePiece model");
    }
    if (trainer.unknown < 0 || trainer.unknown >= pieces.size()) {
      throw new FormatException(
          file,
          "unk_id",
          "is %d, but there are %d pieces".formatted(trainer.unknown, pieces.size()));
    }
    Set<String> seen = new HashSet<>();
    for (int id = 0; id < pieces.size(); id++) {
      if (!seen.add(pieces.get(id).text())) {
        throw new FormatException(
            file, "piece " + id, "is \"" + pieces.get(id).text() + "\", as an earlier one");
      }
    }
  }

  private static Piece piece(Path file, ProtobufReader message, int id) {
    String text = "";
    float score = 0;
    PieceType type = PieceType.NORMAL;
    while (message.next()) {
      switch (message.field()) {
        case 1 -> text = message.string();
        case 2 -> score = message.float32();
        case 3 -> type = named(PieceType.values(), message.number(), file, "piece " + id);
        default -> message.skip();
      }
    }
    if (text.isEmpty()) {
      throw new FormatException(file, "piece " + id, "has no text");
    }
    return new Piece(text, score, type);
  }

  private static Normalizer normalizer(Path file, ProtobufReader message) {
    String charsMap = "";
    boolean prefix = true;
    boolean remove = true;
    while (message.next()) {
      switch (message.field()) {
        case 2 -> charsMap = Base64.getEncoder().encodeToString(message.bytes());
        case 3 -> prefix = message.flag();
        case 4 -> remove = message.flag();
        case 5 -> requireEscaped(file, message.flag());
        default -> message.skip();
      }
    }
    return new Normalizer(charsMap, prefix, remove);
  }

  private static void requireEscaped(Path file, boolean escaped) {
    if (!escaped) {
      throw new FormatException(
          file,
          "normalizer_spec.escape_whitespaces",
          "is off, which no tokenizer.json can say; convert it by hand");
    }
  }

  private static <E extends Enum<E>> E named(E[] values, long number, Path file, String place) {
    if (number < 1 || number > values.length) {
      throw new FormatException(
          file, place, "has the type %d, expected 1 to %d".formatted(number, values.length));
    }
    return values[(int) number - 1];
  }

  /** The trainer's settings while they are read, with the format's defaults. */
  private static final class Trainer {
    private Algorithm algorithm = Algorithm.UNIGRAM;
    private boolean byteFallback;
    private int unknown;
    private int begin = 1;
    private int end = 2;

    void read(Path file, ProtobufReader message) {
      while (message.next()) {
        switch (message.field()) {
          case 3 -> algorithm = named(Algorithm.values(), message.number(), file, "model_type");
          case 24 -> requirePrefix(file, message.flag());
          case 35 -> byteFallback = message.flag();
          case 40 -> unknown = (int) message.number();
          case 41 -> begin = (int) message.number();
          case 42 -> end = (int) message.number();
          default -> message.skip();
        }
      }
    }

    private static void requirePrefix(Path file, boolean suffix) {
      if (suffix) {
        throw new FormatException(
            file,
            "trainer_spec.treat_whitespace_as_suffix",
            "is on, which no tokenizer.json can say; convert it by hand");
      }
    }
  }
}
