package dev.lorikeet.metric;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;

/**
 * Whether the most likely choice is a right one; of equally likely ones the first counts.
 * Log-probabilities may be divided by the choice's length, which otherwise favours short ones; a
 * choice without text has length 1.
 *
 * @see <a href="https://github.com/EleutherAI/lm-evaluation-harness">lm-evaluation-harness' acc
 *     (not divided), acc_norm (by characters), acc_bytes</a>
 */
final class ChoiceAccuracy implements Metric {

  /** The length that log-probabilities are divided by. */
  enum Length {
    NONE,
    CHARACTERS,
    BYTES,
    TOKENS
  }

  private final Length length;

  ChoiceAccuracy(Length length) {
    this.length = length;
  }

  @Override
  public String name() {
    return "choice_accuracy";
  }

  @Override
  public Set<Need> needs() {
    return Set.of(Need.CHOICES);
  }

  @Override
  public Aggregation aggregation() {
    return new Aggregation.Share();
  }

  @Override
  public ItemScore score(Item item) {
    List<Item.Choice> choices = item.choices().choices();
    int best = 0;
    for (int i = 1; i < choices.size(); i++) {
      if (normalized(choices.get(i)) > normalized(choices.get(best))) {
        best = i;
      }
    }
    return ItemScore.right(item.choices().gold().contains(best));
  }

  private double normalized(Item.Choice choice) {
    String text = choice.text();
    int size =
        switch (length) {
          case NONE -> 1;
          case CHARACTERS -> text.codePointCount(0, text.length());
          case BYTES -> text.getBytes(StandardCharsets.UTF_8).length;
          case TOKENS -> choice.tokens();
        };
    return choice.logProbability() / Math.max(1, size);
  }
}
