package dev.lorikeet.eval;

import dev.lorikeet.generate.Generator;
import dev.lorikeet.generate.Generator.Continuation;
import dev.lorikeet.generate.Sampling;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.tokenizer.SpecialTokens;
import dev.lorikeet.tokenizer.Tokenizer;
import dev.lorikeet.torch.Device;
import java.util.ArrayList;
import java.util.List;

/**
 * Share of prompts whose greedy continuation is, but for white space around it, the expected text
 * and then the end of text.
 */
public final class ExactMatch {
  private static final int PROMPTS_AT_ONCE = 50;

  private final Tokenizer tokenizer;
  private final Device device;

  public ExactMatch(Tokenizer tokenizer, Device device) {
    this.tokenizer = tokenizer;
    this.device = device;
  }

  /** A prompt and the text that should follow. */
  public record Item(String prompt, String expected) {}

  /** An item, what the model said, and whether that was right. */
  public record Answer(Item item, String text, boolean correct) {}

  /**
   * Answers to all items, in their order.
   *
   * @param correct number of right answers
   */
  public record Result(List<Answer> answers, int correct) {
    /** Share of right answers, 0 to 1. */
    public double score() {
      return answers.isEmpty() ? 0 : (double) correct / answers.size();
    }

    /** √(p(1−p)/(n−1)): the standard error of the score as a mean over drawn items. */
    public double standardError() {
      double p = score();
      return Math.sqrt(p * (1 - p) / Math.max(1, answers.size() - 1));
    }
  }

  /** Asks {@code model} all items; answers may have a few tokens more than the longest expected. */
  public Result evaluate(CausalLm model, List<Item> items) {
    Generator generator = new Generator(model, device, tokenizer.eosId());
    int longest =
        items.stream().mapToInt(item -> tokenizer.encode(item.expected).length).max().orElse(0);
    List<Answer> answers = new ArrayList<>();
    for (int from = 0; from < items.size(); from += PROMPTS_AT_ONCE) {
      List<Item> part = items.subList(from, Math.min(items.size(), from + PROMPTS_AT_ONCE));
      List<int[]> prompts =
          part.stream().map(item -> tokenizer.encodeSequence(item.prompt)).toList();
      List<Continuation> texts = generator.generate(prompts, longest + 1, Sampling.GREEDY);
      for (int i = 0; i < part.size(); i++) {
        answers.add(judge(part.get(i), texts.get(i)));
      }
    }
    return new Result(answers, (int) answers.stream().filter(Answer::correct).count());
  }

  private Answer judge(Item item, Continuation continuation) {
    String text = tokenizer.decode(continuation.ids(), SpecialTokens.KEEP);
    boolean ended = continuation.stop() == Generator.Stop.END_TOKEN;
    return new Answer(item, text, ended && text.strip().equals(item.expected.strip()));
  }
}
