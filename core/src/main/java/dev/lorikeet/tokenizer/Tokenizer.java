package dev.lorikeet.tokenizer;

import dev.lorikeet.error.DataException;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * Turns text into token ids and back. Safe for use by several threads until closed.
 *
 * <p>Ids are from 0 to {@link #vocabSize()} − 1. Arrays that are returned belong to the caller.
 */
public interface Tokenizer extends AutoCloseable {

  /**
   * Ids of {@code text} with nothing put in front or behind. A special token that is written out in
   * the text becomes its id, exactly as Hugging Face does with {@code add_special_tokens=False}.
   */
  int[] encode(String text);

  /** Ids of {@code text} with what the tokenizer's own policy adds, as for a whole sequence. */
  int[] encodeWithSpecials(String text);

  /**
   * Text of {@code ids}; bytes that form no character become U+FFFD. Ids from {@link #vocabSize()}
   * on have no text: a model whose embedding has more rows than the tokenizer has tokens may say
   * them.
   *
   * @throws IllegalArgumentException for a negative id
   */
  String decode(int[] ids, SpecialTokens specialTokens);

  /** Id of the token that begins a sequence, whether or not the policy adds it. */
  OptionalInt bosId();

  /** Id of the token that ends a sequence, whether or not the policy adds it. */
  OptionalInt eosId();

  /** Highest id + 1, added tokens included. */
  int vocabSize();

  /** What the policy puts in front of a sequence: nothing, or usually {@link #bosId()}. */
  int[] bosPrefix();

  /**
   * Ids of {@code text} as the beginning of a sequence: {@link #bosPrefix()} and the text, without
   * what the policy puts behind; a prefix that the text writes out is not doubled.
   */
  default int[] encodeSequence(String text) {
    int[] prefix = bosPrefix();
    int[] ids = encode(text);
    boolean there =
        ids.length >= prefix.length
            && Arrays.equals(prefix, 0, prefix.length, ids, 0, prefix.length);
    return there ? ids : IntStream.concat(IntStream.of(prefix), IntStream.of(ids)).toArray();
  }

  /**
   * Tokens of {@code text} with their places in it. Unlike Hugging Face, a beginning that the text
   * writes out itself is not put in front once more.
   */
  TokenizedText tokenize(String text, Additions additions);

  /** What is put around a text. */
  enum Additions {
    NONE,
    /** What the tokenizer's own policy puts in front and behind. */
    OF_POLICY
  }

  /** What kind of tokenizer it is, and which files say it. */
  TokenizerKind kind();

  /**
   * SHA-256 of the {@code tokenizer.json} that was read, or that other files were converted to, as
   * 64 lower-case hexadecimal digits.
   */
  String sha256();

  /** What messages call this tokenizer: the file that it was read from. */
  String name();

  /**
   * Checks that a model can look up every id.
   *
   * @param rows rows of the model's embedding
   * @throws DataException naming this tokenizer, the id, its text and the rows
   */
  default void requireWithin(int[] ids, int rows) {
    for (int id : ids) {
      if (id >= rows) {
        String text = id < vocabSize() ? decode(new int[] {id}, SpecialTokens.KEEP) : "";
        throw new DataException(
            "tokenizer "
                + name()
                + " gives id "
                + id
                + " for \""
                + text
                + "\", but the model's embedding has "
                + rows
                + " rows (ids 0 to "
                + (rows - 1)
                + "). Tokenizer and weights come from different revisions, or a token was added"
                + " without enlarging the embedding; take both from one revision.");
      }
    }
  }

  @Override
  void close();
}
