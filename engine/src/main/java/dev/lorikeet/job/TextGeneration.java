package dev.lorikeet.job;

import dev.lorikeet.error.DataException;
import dev.lorikeet.generate.Generator;
import dev.lorikeet.generate.Generator.Continuation;
import dev.lorikeet.generate.Generator.Stop;
import dev.lorikeet.generate.Sampling;
import dev.lorikeet.tokenizer.SpecialTokens;
import dev.lorikeet.tokenizer.StreamDecoder;
import dev.lorikeet.tokenizer.Tokenizer;
import dev.lorikeet.torch.Device;
import java.time.Duration;
import java.util.List;

/**
 * The continuation of a prompt.
 *
 * @param text what follows the prompt, without special tokens
 * @param tokens its ids, the end token left out
 * @param stop why there are no more
 * @param time wall time of prefill and decoding, loading left out
 */
public record TextGeneration(String text, List<Integer> tokens, Stop stop, Duration time) {

  public TextGeneration {
    tokens = List.copyOf(tokens);
  }

  /**
   * Continues {@code prompt}, which is encoded by the tokenizer's own policy of what stands in
   * front.
   *
   * @param device where the model lies
   * @param maxNewTokens at least 1
   * @throws DataException for a prompt of no token, longer than the context, or with ids that the
   *     model cannot look up
   */
  public static TextGeneration of(
      LoadedModel loaded, Device device, String prompt, int maxNewTokens, Sampling sampling) {
    Tokenizer tokenizer = loaded.tokenizer();
    int[] ids = tokenizer.encodeSequence(prompt);
    int context = loaded.model().contextLength();
    if (ids.length == 0) {
      throw new DataException(
          "the prompt is empty and the tokenizer puts nothing in front of it, so there is nothing to continue; give at least one character");
    }
    if (ids.length > context) {
      throw new DataException(
          "the prompt has %d tokens, but the model's context holds %d; shorten the prompt"
              .formatted(ids.length, context));
    }
    tokenizer.requireWithin(ids, loaded.model().vocabularySize());
    long start = System.nanoTime();
    Continuation continuation =
        new Generator(loaded.model(), device, tokenizer.eosId())
            .generate(List.of(ids), maxNewTokens, sampling)
            .getFirst();
    Duration time = Duration.ofNanos(System.nanoTime() - start);
    return new TextGeneration(
        text(tokenizer, ids, continuation.ids()), continuation.tokens(), continuation.stop(), time);
  }

  /** Tokens made a second, prefill included. */
  public double tokensPerSecond() {
    return tokens.size() / (time.toNanos() * 1e-9);
  }

  /** What {@code ids} add to the text of the prompt. */
  private static String text(Tokenizer tokenizer, int[] prompt, int[] ids) {
    StreamDecoder decoder = new StreamDecoder(tokenizer, prompt, SpecialTokens.SKIP);
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(decoder.next(id));
    }
    return text.append(decoder.end()).toString();
  }
}
