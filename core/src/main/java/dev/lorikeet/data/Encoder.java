package dev.lorikeet.data;

import dev.lorikeet.config.DataSettings.Loss;
import dev.lorikeet.data.Rendered.Beginning;
import dev.lorikeet.data.Rendered.Piece;
import dev.lorikeet.data.Rendered.Said;
import dev.lorikeet.error.DataException;
import dev.lorikeet.jinja.Rendering.Span;
import dev.lorikeet.tokenizer.Token;
import dev.lorikeet.tokenizer.Tokenizer;
import dev.lorikeet.tokenizer.Tokenizer.Additions;
import java.io.IOException;
import java.io.Reader;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongPredicate;

/**
 * Turns samples into examples.
 *
 * <ul>
 *   <li>A dialogue becomes text by a {@link PromptStyle}. Pieces are tokenised apart; the first has
 *       the tokenizer's prefix ({@link Tokenizer#bosPrefix()}) in front, unless it begins with it,
 *       and EOS is appended to each answer. The text of a template is tokenised whole; EOS is
 *       appended only where an answer ends the text without any special token.
 *   <li>A document is prefix + text + EOS, all learned.
 *   <li>A book is tokenised as one, EOS is appended, and the result is cut without overlap into
 *       windows of the longest length, each with the prefix in front; all learned.
 *   <li>What is longer than the longest length is cut at the end, and so loses its EOS.
 * </ul>
 */
public final class Encoder {
  /**
   * How near to the end of an answer a special token has to be to end it: a line end may follow.
   */
  private static final int ENDING = 3;

  private final Tokenizer tokenizer;
  private final int maxSeqLen;
  private final PromptStyle style;
  private final Loss loss;
  private final int[] prefix;
  private final int eos;

  /**
   * An encoder over {@code tokenizer}, which stays its owner's.
   *
   * @param maxSeqLen longest example in tokens, at least 2
   * @throws DataException if the tokenizer has no end-of-sequence token, or its prefix fills the
   *     longest length
   */
  Encoder(Tokenizer tokenizer, int maxSeqLen, PromptStyle style, Loss loss) {
    this.tokenizer = tokenizer;
    this.maxSeqLen = maxSeqLen;
    this.style = style;
    this.loss = loss;
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
   * @param taken tells by an example's id whether it is wanted; others are not counted
   * @param kept takes each example in the order of the source
   * @return what became of the records
   * @throws DataException for a record that cannot be used
   */
  EncodeReport encode(SampleReader reader, LongPredicate taken, Consumer<Example> kept) {
    Count count = new Count(taken, kept);
    long windows = 0;
    for (var next = reader.next(); next.isPresent(); next = reader.next()) {
      switch (next.get()) {
        case Sample.Dialogue dialogue -> {
          try {
            count.add(example(dialogue));
          } catch (DataException problem) {
            reader.reject(problem);
          }
        }
        case Sample.Document(long id, String text) ->
            count.add(new Example(id, withPrefix(withEos(tokenizer.encode(text))), 1));
        case Sample.Book book -> {
          Windows cut = new Windows(windows, count);
          read(book, cut);
          windows = cut.end();
        }
      }
    }
    return count.report;
  }

  /** The same for every example. */
  EncodeReport encode(SampleReader reader, Consumer<Example> kept) {
    return encode(reader, id -> true, kept);
  }

  private Example example(Sample.Dialogue dialogue) {
    return switch (style.render(dialogue, loss)) {
      case Rendered.Pieces(List<Piece> pieces) -> joined(dialogue.id(), pieces);
      case Rendered.Whole whole -> whole(dialogue.id(), whole);
    };
  }

  private Example joined(long id, List<Piece> pieces) {
    int[] tokens = {};
    BitSet learned = new BitSet();
    for (Piece piece : pieces) {
      int start = tokens.length;
      boolean answer = piece.said() != Said.BEFORE;
      int[] ids =
          start == 0 ? tokenizer.encodeSequence(piece.text()) : tokenizer.encode(piece.text());
      tokens = join(tokens, answer ? withEos(ids) : ids);
      learned.set(start, tokens.length, loss == Loss.ALL || piece.said() == Said.LEARNED_ANSWER);
    }
    // Nothing comes before the first token that could predict it.
    learned.clear(0);
    return Example.of(id, tokens, learned);
  }

  private Example whole(long id, Rendered.Whole whole) {
    List<Token> found = tokenizer.tokenize(whole.text(), Additions.NONE).tokens();
    int[] ids = found.stream().mapToInt(Token::id).toArray();
    int[] tokens = whole.beginning() == Beginning.OF_TOKENIZER ? withPrefix(ids) : ids;
    int moved = tokens.length - ids.length;
    BitSet learned = new BitSet();
    int span = 0;
    for (int i = 0; i < found.size(); i++) {
      int start = found.get(i).start();
      while (span < whole.learned().size() && whole.learned().get(span).end() <= start) {
        span++;
      }
      Span part = span < whole.learned().size() ? whole.learned().get(span) : new Span(0, 0);
      learned.set(i + moved, start >= part.start() && start < part.end());
    }
    if (learned.get(tokens.length - 1) && !endsByItself(found)) {
      tokens = withEos(tokens);
      learned.set(tokens.length - 1);
    }
    learned.clear(0);
    return Example.of(id, tokens, learned);
  }

  private boolean endsByItself(List<Token> tokens) {
    return tokens.subList(Math.max(0, tokens.size() - ENDING), tokens.size()).stream()
        .anyMatch(token -> token.kind() == Token.Kind.SPECIAL || token.id() == eos);
  }

  private void read(Sample.Book book, Windows windows) {
    try {
      Reader text = book.file().text();
      new TextTokens(tokenizer).forEach(text, windows::add);
    } catch (IOException e) {
      throw book.file().failure(e);
    }
    if (windows.isBegun()) {
      windows.add(new int[] {eos});
      windows.flush();
    }
  }

  /** Cuts tokens into windows. */
  private final class Windows {
    private final int[] window = new int[maxSeqLen - prefix.length];
    private final Count count;
    private int filled;
    private long next;
    private boolean begun;

    /** The first window is number {@code first}. */
    Windows(long first, Count count) {
      this.next = first;
      this.count = count;
    }

    void add(int[] tokens) {
      begun |= tokens.length > 0;
      for (int token : tokens) {
        if (filled == window.length) {
          flush();
        }
        window[filled++] = token;
      }
    }

    void flush() {
      count.add(new Example(next++, join(prefix, Arrays.copyOf(window, filled)), 1));
      filled = 0;
    }

    boolean isBegun() {
      return begun;
    }

    /** Number of the window behind the last. */
    long end() {
      return next;
    }
  }

  /** Cuts examples to the longest length, counts them and hands them on. */
  private final class Count {
    private final LongPredicate taken;
    private final Consumer<Example> kept;
    private EncodeReport report = EncodeReport.NONE;

    Count(LongPredicate taken, Consumer<Example> kept) {
      this.taken = taken;
      this.kept = kept;
    }

    void add(Example whole) {
      if (!taken.test(whole.id())) {
        return;
      }
      Optional<Example> cut = cut(whole);
      cut.ifPresent(kept);
      report =
          report.plus(
              new EncodeReport(
                  1,
                  cut.isPresent() ? 1 : 0,
                  cut.map(Example::length).orElse(0),
                  cut.map(Example::labelCount).orElse(0),
                  whole.length() > maxSeqLen ? 1 : 0,
                  cut.isPresent() ? 0 : 1,
                  whole.length()));
    }
  }

  private Optional<Example> cut(Example whole) {
    int length = Math.min(whole.length(), maxSeqLen);
    if (whole.firstLabel() >= length) {
      return Optional.empty();
    }
    return Optional.of(length == whole.length() ? whole : whole.first(length));
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
