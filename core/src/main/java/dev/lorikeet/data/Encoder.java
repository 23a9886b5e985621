package dev.lorikeet.data;

import dev.lorikeet.error.DataException;
import dev.lorikeet.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Turns samples into examples.
 *
 * <ul>
 *   <li>A completion is prefix + prompt + response + EOS. Prompt and response are tokenised
 *       separately, so that generation from the prompt alone continues from the same tokens. The
 *       prefix is the tokenizer's own ({@link Tokenizer#bosPrefix()}) and is left out if the prompt
 *       already begins with it. EOS is always appended and learned. A masked prompt is not learned.
 *   <li>A document is prefix + text + EOS, all learned.
 *   <li>A book is tokenised whole, EOS is appended, and the result is cut without overlap into
 *       windows of the longest length, each with the prefix in front; all learned.
 *   <li>What is longer than the longest length is cut at the end, and so loses its EOS.
 * </ul>
 */
public final class Encoder {
  /** Whether prompts are learned. */
  public enum PromptLoss {
    /** Only the response is learned. */
    MASKED,
    /** Prompt and response are learned. */
    TRAINED
  }

  private final Tokenizer tokenizer;
  private final int maxSeqLen;
  private final PromptLoss promptLoss;
  private final int[] prefix;
  private final int eos;

  /**
   * An encoder over {@code tokenizer}, which stays its owner's.
   *
   * @param maxSeqLen longest example in tokens, at least 2
   * @throws DataException if the tokenizer has no end-of-sequence token, or its prefix fills the
   *     longest length
   */
  public Encoder(Tokenizer tokenizer, int maxSeqLen, PromptLoss promptLoss) {
    this.tokenizer = tokenizer;
    this.maxSeqLen = maxSeqLen;
    this.promptLoss = promptLoss;
    this.prefix = tokenizer.bosPrefix();
    this.eos =
        tokenizer
            .eosId()
            .orElseThrow(() ->
                new DataException(
                    "tokenizer "
                        + tokenizer.name()
                        + " has no end-of-sequence token, which every example ends with; name"
                        + " it as eos_token in the tokenizer_config.json beside it"));
    if (maxSeqLen < 2 || maxSeqLen <= prefix.length) {
      throw new DataException(
          "data.max_seq_len "
              + maxSeqLen
              + " leaves no room after the "
              + prefix.length
              + " tokens that begin every sequence");
    }
  }

  /**
   * Encodes what is left in {@code reader}, one record at a time.
   *
   * @param kept takes each example in the order of the file
   * @return what became of the records
   * @throws DataException for a record that cannot be used
   */
  public EncodeReport encode(SampleReader reader, Consumer<Example> kept) {
    EncodeReport report = EncodeReport.NONE;
    for (var next = reader.next(); next.isPresent(); next = reader.next()) {
      for (Example whole : whole(next.get())) {
        Optional<Example> cut = cut(whole);
        cut.ifPresent(kept);
        report = report.plus(count(whole, cut));
      }
    }
    return report;
  }

  /** The examples of a sample before any cut; each has a token, and its first label is inside. */
  private Iterable<Example> whole(Sample sample) {
    return switch (sample) {
      case Sample.Completion(long id, String prompt, String response) -> {
        int[] start = tokenizer.encodeSequence(prompt);
        int[] tokens = join(start, withEos(tokenizer.encode(response)));
        // Nothing comes before the first token that could predict it.
        int firstLabel = promptLoss == PromptLoss.MASKED ? Math.max(1, start.length) : 1;
        yield List.of(new Example(id, tokens, firstLabel));
      }
      case Sample.Document(long id, String text) ->
          List.of(new Example(id, withPrefix(withEos(tokenizer.encode(text))), 1));
      case Sample.Book(String text) -> windows(withEos(tokenizer.encode(text)));
    };
  }

  private Iterable<Example> windows(int[] tokens) {
    int room = maxSeqLen - prefix.length;
    return () ->
        IntStream.range(0, Math.ceilDiv(tokens.length, room))
            .mapToObj(window -> window(window, tokens, room))
            .iterator();
  }

  private Example window(int window, int[] tokens, int room) {
    int start = window * room;
    int end = (int) Math.min(tokens.length, (long) start + room);
    return new Example(window, join(prefix, Arrays.copyOfRange(tokens, start, end)), 1);
  }

  private Optional<Example> cut(Example whole) {
    int length = Math.min(whole.length(), maxSeqLen);
    if (whole.firstLabel() >= length) {
      return Optional.empty();
    }
    return length == whole.length()
        ? Optional.of(whole)
        : Optional.of(
            new Example(whole.id(), Arrays.copyOf(whole.tokens(), length), whole.firstLabel()));
  }

  private EncodeReport count(Example whole, Optional<Example> kept) {
    return new EncodeReport(
        1,
        kept.isPresent() ? 1 : 0,
        kept.map(Example::length).orElse(0),
        kept.map(Example::labelCount).orElse(0),
        whole.length() > maxSeqLen ? 1 : 0,
        kept.isPresent() ? 0 : 1,
        whole.length());
  }

  private int[] withPrefix(int[] tokens) {
    boolean there =
        tokens.length >= prefix.length
            && Arrays.equals(prefix, 0, prefix.length, tokens, 0, prefix.length);
    return there ? tokens : join(prefix, tokens);
  }

  private int[] withEos(int[] tokens) {
    int[] ended = Arrays.copyOf(tokens, tokens.length + 1);
    ended[tokens.length] = eos;
    return ended;
  }

  private static int[] join(int[] first, int[] second) {
    int[] joined = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, joined, first.length, second.length);
    return joined;
  }
}
