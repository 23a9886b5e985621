package dev.lorikeet.metric;

import dev.lorikeet.stat.Direction;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * How surprised the model is by the expected answer: e^(−Σ log p / Σ tokens) over all items, or the
 * same information in bits a byte, −Σ log p / (Σ bytes · ln 2), which compares models with
 * different tokenizers.
 *
 * @see <a href="https://github.com/EleutherAI/lm-evaluation-harness">lm-evaluation-harness'
 *     weighted_perplexity and bits_per_byte</a>
 */
final class Perplexity implements Metric {
  private static final String NATS = "nats";
  private static final String TOKENS = "tokens";
  private static final String BYTES = "bytes";

  /** What the surprise is counted in. */
  enum Scale {
    PERPLEXITY("perplexity", TOKENS),
    BYTE_PERPLEXITY("byte_perplexity", BYTES),
    BITS_PER_BYTE("bits_per_byte", BYTES);

    private final String metric;
    private final String length;

    Scale(String metric, String length) {
      this.metric = metric;
      this.length = length;
    }
  }

  private final Scale scale;

  Perplexity(Scale scale) {
    this.scale = scale;
  }

  @Override
  public String name() {
    return scale.metric;
  }

  @Override
  public Direction direction() {
    return Direction.LOWER_IS_BETTER;
  }

  @Override
  public Set<Need> needs() {
    return Set.of(Need.LIKELIHOOD);
  }

  @Override
  public Aggregation aggregation() {
    return new Aggregation.OfSums(List.of(NATS, scale.length), sums -> value(sums[0], sums[1]));
  }

  @Override
  public ItemScore score(Item item) {
    Item.Likelihood likelihood = item.likelihood();
    double nats = -likelihood.logProbability();
    double length = scale == Scale.PERPLEXITY ? likelihood.tokens() : likelihood.bytes();
    return new ItemScore(value(nats, length), Map.of(NATS, nats, scale.length, length));
  }

  /** An impossible answer has the largest number instead of infinity, which JSON cannot hold. */
  private double value(double nats, double length) {
    double surprise = nats / length;
    return scale == Scale.BITS_PER_BYTE
        ? surprise / StrictMath.log(2)
        : Math.min(Double.MAX_VALUE, StrictMath.exp(surprise));
  }
}
