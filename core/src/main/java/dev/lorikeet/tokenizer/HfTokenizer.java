package dev.lorikeet.tokenizer;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.error.RunException;
import dev.lorikeet.tokenizer.TokenizedText.Beginning;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.LongStream;

/**
 * Hugging Face's own tokenizers library (Rust, through DJL) over a checkpoint's {@code
 * tokenizer.json}, or what its {@code tokenizer.model} or {@code vocab.json} and {@code merges.txt}
 * were converted to. Never truncates or pads, and needs no network.
 *
 * <p>Owns native memory: close it, once, when no thread uses it any more.
 */
public final class HfTokenizer implements Tokenizer {
  private final TokenizerFile file;
  private final SequenceTokens sequence;
  private final HuggingFaceTokenizer tokenizer;
  private final List<Token> before;
  private final List<Token> behind;
  private final int[] prefix;

  private HfTokenizer(TokenizerFile file, SequenceTokens sequence, HuggingFaceTokenizer tokenizer) {
    this.file = file;
    this.sequence = sequence;
    this.tokenizer = tokenizer;
    // What the post-processor adds shows around the ids of any text.
    int[] bare = ids("a", Additions.NONE);
    Encoded whole = encoded("a", Additions.OF_POLICY);
    int start = 0;
    while (start + bare.length < whole.ids.length
        && !Arrays.equals(whole.ids, start, start + bare.length, bare, 0, bare.length)) {
      start++;
    }
    before = added(whole, 0, start);
    behind = added(whole, start + bare.length, whole.ids.length);
    prefix = Arrays.copyOf(whole.ids, start);
  }

  /**
   * Opens the tokenizer of a checkpoint.
   *
   * @param folder holds {@code tokenizer.json} or the files that it can be made of, and usually
   *     {@code tokenizer_config.json} and {@code config.json}, which name the tokens that begin and
   *     end a sequence
   * @throws FormatException if a file is missing, damaged, or contradicts another
   * @throws RunException if the native library cannot be loaded
   */
  public static HfTokenizer open(Path folder) {
    // DJL looks for its native library and reports its use over the network unless told otherwise.
    System.setProperty("ai.djl.offline", "true");
    System.setProperty("OPT_OUT_TRACKING", "true");
    TokenizerFile file = TokenizerFile.of(folder);
    SequenceTokens sequence = SequenceTokens.read(folder, file);
    HuggingFaceTokenizer tokenizer = load(file);
    try {
      return new HfTokenizer(file, sequence, tokenizer);
    } catch (RuntimeException e) {
      tokenizer.close();
      throw e;
    }
  }

  private static HuggingFaceTokenizer load(TokenizerFile file) {
    try {
      return HuggingFaceTokenizer.newInstance(
          new ByteArrayInputStream(file.bytes()),
          Map.of("truncation", "false", "padding", "false"));
    } catch (IOException e) {
      throw new IllegalStateException("bytes in memory cannot be read", e);
    } catch (EngineException e) {
      throw new RunException(
          "the native tokenizers library cannot be loaded: "
              + e.getMessage()
              + " It is unpacked into the folder named by the environment variable DJL_CACHE_DIR,"
              + " by default .djl.ai in the home folder, which must be writable; on Linux it needs"
              + " glibc 2.34 or later.",
          e);
    } catch (RuntimeException e) {
      throw new FormatException(
          file.file(),
          "the tokenizers library refuses it: "
              + e.getMessage()
              + "; the file is damaged or newer than the library",
          e);
    }
  }

  @Override
  public int[] encode(String text) {
    return ids(text, Additions.NONE);
  }

  @Override
  public int[] encodeWithSpecials(String text) {
    return ids(text, Additions.OF_POLICY);
  }

  @Override
  public TokenizedText tokenize(String text, Additions additions) {
    Encoded found = encoded(text, Additions.NONE);
    boolean written =
        prefix.length > 0
            && found.ids.length >= prefix.length
            && Arrays.equals(prefix, 0, prefix.length, found.ids, 0, prefix.length);
    List<Token> tokens = new ArrayList<>();
    if (additions == Additions.OF_POLICY && !written) {
      tokens.addAll(before);
    }
    int[] places = places(text);
    for (int i = 0; i < found.ids.length; i++) {
      tokens.add(token(found, i, text, places));
    }
    if (additions == Additions.OF_POLICY) {
      behind.forEach(token ->
          tokens.add(
              new Token(token.id(), token.piece(), text.length(), text.length(), token.kind())));
    }
    return new TokenizedText(tokens, beginning(found.ids, written));
  }

  private Beginning beginning(int[] ids, boolean written) {
    OptionalInt bos = bosId();
    if (bos.isPresent() && ids.length > 1 && ids[0] == bos.getAsInt() && ids[1] == ids[0]) {
      return Beginning.DOUBLED;
    }
    return written ? Beginning.WRITTEN_OUT : Beginning.PLAIN;
  }

  private Token token(Encoded found, int index, String text, int[] places) {
    int id = found.ids[index];
    String piece = found.pieces[index];
    CharSpan span = found.spans[index];
    int start = places[span.getStart()];
    int end = places[span.getEnd()];
    boolean unknown =
        file.unknownId().equals(OptionalInt.of(id))
            && !text.substring(start, end).strip().equals(piece);
    Token.Kind kind =
        unknown ? Token.Kind.UNKNOWN : file.isSpecial(id) ? Token.Kind.SPECIAL : Token.Kind.TEXT;
    return new Token(id, piece, start, end, kind);
  }

  private static List<Token> added(Encoded whole, int from, int to) {
    List<Token> tokens = new ArrayList<>();
    for (int i = from; i < to; i++) {
      tokens.add(new Token(whole.ids[i], whole.pieces[i], 0, 0, Token.Kind.ADDED));
    }
    return List.copyOf(tokens);
  }

  /** Where each code point of {@code text} begins, and its end: the library counts code points. */
  private static int[] places(String text) {
    int[] places = new int[text.codePointCount(0, text.length()) + 1];
    int at = 0;
    for (int i = 0; i < places.length; i++) {
      places[i] = at;
      at += at < text.length() ? Character.charCount(text.codePointAt(at)) : 0;
    }
    return places;
  }

  @Override
  public String decode(int[] ids, SpecialTokens specialTokens) {
    if (Arrays.stream(ids).anyMatch(id -> id < 0)) {
      throw new IllegalArgumentException("an id is at least 0, found " + Arrays.toString(ids));
    }
    long[] wide = Arrays.stream(ids).filter(id -> id < vocabSize()).asLongStream().toArray();
    return tokenizer.decode(wide, specialTokens == SpecialTokens.SKIP);
  }

  @Override
  public OptionalInt bosId() {
    return sequence.bosId();
  }

  @Override
  public OptionalInt eosId() {
    return sequence.eosId();
  }

  @Override
  public int vocabSize() {
    return file.vocabSize();
  }

  @Override
  public int[] bosPrefix() {
    return prefix.clone();
  }

  @Override
  public TokenizerKind kind() {
    return file.kind();
  }

  @Override
  public String sha256() {
    return file.sha256();
  }

  @Override
  public String name() {
    return file.file().toString();
  }

  @Override
  public void close() {
    tokenizer.close();
  }

  /** What the library says about a text; spans are in code points. */
  private static final class Encoded {
    private final int[] ids;
    private final String[] pieces;
    private final CharSpan[] spans;

    Encoded(long encoding) {
      ids = HfTokenizer.ids(encoding);
      pieces = TokenizersLibrary.LIB.getTokens(encoding);
      spans = TokenizersLibrary.LIB.getTokenCharSpans(encoding);
    }
  }

  private Encoded encoded(String text, Additions additions) {
    long encoding = encoding(text, additions);
    try {
      return new Encoded(encoding);
    } finally {
      TokenizersLibrary.LIB.deleteEncoding(encoding);
    }
  }

  /**
   * Ids alone: pieces and places, a Java object each, are for a whole book a hundred times the
   * memory of its ids.
   */
  private int[] ids(String text, Additions additions) {
    long encoding = encoding(text, additions);
    try {
      return ids(encoding);
    } finally {
      TokenizersLibrary.LIB.deleteEncoding(encoding);
    }
  }

  private long encoding(String text, Additions additions) {
    return TokenizersLibrary.LIB.encode(
        tokenizer.getHandle(), wellFormed(text), additions == Additions.OF_POLICY);
  }

  private static int[] ids(long encoding) {
    return LongStream.of(TokenizersLibrary.LIB.getTokenIds(encoding))
        .mapToInt(Math::toIntExact)
        .toArray();
  }

  /** Half of a surrogate pair is no character: it becomes U+FFFD before it reaches native code. */
  private static String wellFormed(String text) {
    if (text.codePoints()
        .noneMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE)) {
      return text;
    }
    StringBuilder repaired = new StringBuilder(text.length());
    text.codePoints()
        .map(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? 0xFFFD : c)
        .forEach(repaired::appendCodePoint);
    return repaired.toString();
  }
}
