package dev.lorikeet.generate;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.torch.Rng;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * How the next token is chosen from logits.
 *
 * @param temperature 0 takes the most likely token; otherwise logits are divided by it
 * @param topP the smallest set of most likely tokens whose probability reaches this is kept, 0 &lt;
 *     topP ≤ 1 (Holtzman et al. 2020)
 * @param seed of the draws: token i of sequence s is a function of (seed, s, i)
 */
public record Sampling(double temperature, double topP, long seed) {

  /** Always the most likely token; the first of equals. */
  public static final Sampling GREEDY = new Sampling(0, 1, 0);

  public Sampling {
    if (!(temperature >= 0) || Double.isInfinite(temperature)) {
      throw new ConfigException("--temperature must be 0 or more, found " + temperature);
    }
    if (!(topP > 0 && topP <= 1)) {
      throw new ConfigException("--top-p must be above 0 and at most 1, found " + topP);
    }
  }

  /** The token chosen for step {@code step} of sequence {@code sequence}. */
  int choose(float[] logits, long sequence, long step) {
    if (temperature == 0) {
      return best(logits);
    }
    double[] probabilities = softmax(logits);
    int[] order =
        IntStream.range(0, logits.length)
            .boxed()
            .sorted((a, b) -> Double.compare(probabilities[b], probabilities[a]))
            .mapToInt(Integer::intValue)
            .toArray();
    double draw = new Rng(Rng.mix(seed, sequence)).uniform(step) * kept(probabilities, order);
    for (int id : order) {
      draw -= probabilities[id];
      if (draw < 0) {
        return id;
      }
    }
    return order[0];
  }

  /** Probability of the kept set. */
  private double kept(double[] probabilities, int[] order) {
    double mass = 0;
    for (int id : order) {
      mass += probabilities[id];
      if (mass >= topP) {
        break;
      }
    }
    return mass;
  }

  private double[] softmax(float[] logits) {
    double[] probabilities = new double[logits.length];
    double max = logits[best(logits)];
    for (int i = 0; i < logits.length; i++) {
      probabilities[i] = Math.exp((logits[i] - max) / temperature);
    }
    double sum = Arrays.stream(probabilities).sum();
    for (int i = 0; i < logits.length; i++) {
      probabilities[i] /= sum;
    }
    return probabilities;
  }

  private static int best(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      if (logits[i] > logits[best]) {
        best = i;
      }
    }
    return best;
  }
}
