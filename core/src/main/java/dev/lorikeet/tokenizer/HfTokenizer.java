package dev.lorikeet.tokenizer;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.error.RunException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.LongStream;

/**
 * Hugging Face's own tokenizers library (Rust, through DJL) over a checkpoint's {@code
 * tokenizer.json}. Never truncates or pads, and needs no network.
 *
 * <p>Owns native memory: close it, once, when no thread uses it any more.
 */
public final class HfTokenizer implements Tokenizer {
  private final TokenizerFile file;
  private final SequenceTokens sequence;
  private final HuggingFaceTokenizer tokenizer;
  private final int[] prefix;

  private HfTokenizer(TokenizerFile file, SequenceTokens sequence, HuggingFaceTokenizer tokenizer) {
    this.file = file;
    this.sequence = sequence;
    this.tokenizer = tokenizer;
    // What the post-processor adds shows around the ids of any text.
    int[] bare = ids("a", Additions.NONE);
    int[] whole = ids("a", Additions.OF_POST_PROCESSOR);
    int start = 0;
    while (start + bare.length < whole.length
        && !Arrays.equals(whole, start, start + bare.length, bare, 0, bare.length)) {
      start++;
    }
    prefix = Arrays.copyOf(whole, start);
  }

  /**
   * Opens the tokenizer of a checkpoint.
   *
   * @param folder holds {@code tokenizer.json}, and usually {@code tokenizer_config.json} and
   *     {@code config.json}, which name the tokens that begin and end a sequence
   * @throws FormatException if a file is missing, damaged, or contradicts another
   * @throws RunException if the native library cannot be loaded
   */
  public static HfTokenizer open(Path folder) {
    // DJL looks for its native library and reports its use over the network unless told otherwise.
    System.setProperty("ai.djl.offline", "true");
    System.setProperty("OPT_OUT_TRACKING", "true");
    TokenizerFile file = TokenizerFile.read(folder.resolve("tokenizer.json"));
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
    return ids(text, Additions.OF_POST_PROCESSOR);
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

  /** SHA-256 of {@code tokenizer.json}. */
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

  private enum Additions {
    NONE,
    OF_POST_PROCESSOR
  }

  /**
   * Ids alone: DJL's own encode also makes a Java object for each token's text and offsets, which
   * for a whole book is a hundred times the memory of its ids.
   */
  private int[] ids(String text, Additions additions) {
    TokenizersLibrary library = TokenizersLibrary.LIB;
    long encoding =
        library.encode(
            tokenizer.getHandle(), wellFormed(text), additions == Additions.OF_POST_PROCESSOR);
    try {
      return LongStream.of(library.getTokenIds(encoding)).mapToInt(Math::toIntExact).toArray();
    } finally {
      library.deleteEncoding(encoding);
    }
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
