package dev.lorikeet.job;

import dev.lorikeet.data.Example;
import dev.lorikeet.data.PackedBatch;
import dev.lorikeet.error.DataException;
import dev.lorikeet.tokenizer.Tokenizer;
import dev.lorikeet.torch.Device;
import dev.lorikeet.train.LanguageModelLoss;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/**
 * How likely a model finds a text.
 *
 * <p>The sequence is what the tokenizer puts in front, then the text. One that is longer than the
 * context is read in windows that do not overlap: each begins anew with the tokenizer's prefix, or
 * where it has none, with the last token before the window. So every token but the first has one
 * log-probability.
 *
 * @param tokens ids of the sequence
 * @param logProbabilities log p(token | those before it in its window) in nats; none for the first
 * @param windows passes over the model, 1 unless the text is longer than the context
 */
public record TextScore(List<Integer> tokens, List<OptionalDouble> logProbabilities, int windows) {

  public TextScore {
    tokens = List.copyOf(tokens);
    logProbabilities = List.copyOf(logProbabilities);
  }

  /**
   * The score of {@code text}.
   *
   * @param device where the model lies
   * @throws DataException for a text with nothing to predict, or ids that the model cannot look up
   */
  public static TextScore of(LoadedModel loaded, Device device, String text) {
    Tokenizer tokenizer = loaded.tokenizer();
    if (text.isEmpty()) {
      throw new DataException("the text to score is empty; give at least one character");
    }
    int[] tokens = tokenizer.encodeSequence(text);
    if (tokens.length < 2) {
      throw new DataException(
          "the text to score is one token, and the tokenizer puts nothing in front that could predict it; give a longer text");
    }
    tokenizer.requireWithin(tokens, loaded.model().vocabularySize());
    return new Windows(loaded, device, tokens).score();
  }

  /** Sum of the log-probabilities, in nats. */
  public double sum() {
    return logProbabilities.stream()
        .filter(OptionalDouble::isPresent)
        .mapToDouble(OptionalDouble::getAsDouble)
        .sum();
  }

  /** e^(−sum / number of log-probabilities). */
  public double perplexity() {
    long scored = logProbabilities.stream().filter(OptionalDouble::isPresent).count();
    return Math.exp(-sum() / scored);
  }

  /** One sequence on its way through the model. */
  private static final class Windows {
    private final LanguageModelLoss loss;
    private final int context;
    private final int[] prefix;
    private final int[] tokens;
    private final List<OptionalDouble> scores = new ArrayList<>();
    private int count;

    Windows(LoadedModel loaded, Device device, int[] tokens) {
      loss = new LanguageModelLoss(loaded.model(), device);
      context = loaded.model().contextLength();
      prefix = loaded.tokenizer().bosPrefix();
      this.tokens = tokens;
    }

    TextScore score() {
      scores.add(OptionalDouble.empty());
      int done = Math.min(tokens.length, context);
      add(Arrays.copyOf(tokens, done), 1);
      while (done < tokens.length) {
        int[] lead = prefix.length > 0 ? prefix : new int[] {tokens[done - 1]};
        int end = Math.min(tokens.length, done + context - lead.length);
        IntStream window = IntStream.concat(Arrays.stream(lead), Arrays.stream(tokens, done, end));
        add(window.toArray(), lead.length);
        done = end;
      }
      return new TextScore(Arrays.stream(tokens).boxed().toList(), scores, count);
    }

    /** Scores the tokens of {@code window} from {@code first}, which is at least 1. */
    private void add(int[] window, int first) {
      for (float loss : loss.losses(PackedBatch.of(List.of(new Example(count, window, first))))) {
        scores.add(OptionalDouble.of(-loss));
      }
      count++;
    }
  }
}
