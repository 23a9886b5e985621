package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lorikeet.adapter.LoraSettings;
import dev.lorikeet.adapter.Targets;
import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.fixture.LlamaShape;
import dev.lorikeet.fixture.TrainedLlama;
import dev.lorikeet.fixture.TrainedLlama.Blocks;
import dev.lorikeet.model.LlamaConfig;
import dev.lorikeet.nn.RandomWeights;
import dev.lorikeet.nn.Weights;
import dev.lorikeet.quant.QuantizationScheme;
import dev.lorikeet.quant.QuantizationScheme.OtherFormats;
import dev.lorikeet.quant.QuantizationScheme.Scales;
import dev.lorikeet.quant.QuantizedWeights;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.CountingDevice;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * What a step costs, in numbers that do not depend on the machine: matrix products, calls of
 * kernels, tensors allocated, and bytes kept. A change that adds one fails here and says which.
 *
 * <p>Counted on the device of shapes, in a second step, when optimiser states exist. A block is the
 * difference between models of three and two blocks; what is left of two blocks without them is the
 * rest: embedding, last norm, output head and loss, less what the first block is spared. A block
 * has seven linear maps (q, k, v, o, gate, up, down), all of them trained. Products over quantised
 * weights are not among the products: each takes a tile, which is an allocation. Products, calls
 * and bytes follow from the formulas; allocations are those counted when the test was written.
 */
final class StepCountsTest {
  private static final int HIDDEN = 96;
  private static final int INNER = 256;
  private static final int HEADS = 4;
  private static final int KV_HEADS = 2;
  private static final int HEAD_DIM = 24;
  private static final int EXAMPLES = 3;
  private static final int TOKENS = 67;
  private static final int MAPS = 7;
  private static final int RANK = 4;

  /** Bytes of one column of all tokens. */
  private static final long COLUMN = (long) EXAMPLES * TOKENS * Float.BYTES;

  private static final int Q = HEADS * HEAD_DIM;
  private static final int KV = KV_HEADS * HEAD_DIM;

  /**
   * Columns that a block keeps for its way back: the two inputs of the norms and 1/rms of each, q,
   * k, v, the attention's output and each head's log-sum, gate and up. What the norms and the gate
   * give is computed again.
   */
  private static final int KEPT_COLUMNS = 2 * HIDDEN + 2 + Q + 2 * KV + Q + HEADS + 2 * INNER;

  /** Columns of x·Aᵀ, one a map and rank. */
  private static final int LOW_RANK_COLUMNS = MAPS * RANK;

  private static final Subject LORA = new Subject(Base.FROZEN, 0, Magnitudes.NONE, Blocks.KEPT);

  /** How the weights of the model are held, and whether they are trained. */
  private enum Base {
    FROZEN,
    NF4,
    TRAINED
  }

  private enum Magnitudes {
    NONE,
    DORA
  }

  private record Subject(Base base, double dropout, Magnitudes magnitudes, Blocks blocks) {}

  /** Kernel calls of a step by name; kept: bytes at the peak above those between two steps. */
  private record Counts(int products, Map<String, Integer> kernels, long allocations, long kept) {

    Counts minus(Counts other) {
      SortedMap<String, Integer> calls = new TreeMap<>(kernels);
      other.kernels.forEach((name, count) -> calls.merge(name, -count, Integer::sum));
      calls.values().removeIf(count -> count == 0);
      return new Counts(
          products - other.products, calls, allocations - other.allocations, kept - other.kept);
    }
  }

  @Test
  void lora() {
    // A map: W, A and B forward; dx over W and over A, du, dA and dB backward.
    int products = MAPS * (3 + 5);
    Map<String, Integer> kernels = block(2 * MAPS);
    long kept = (KEPT_COLUMNS + LOW_RANK_COLUMNS) * COLUMN;
    verifyBlock(new Counts(products, kernels, 41 + 5, kept), LORA);
    // The head has two products; q, k and v of the first block have no dx, over neither W nor A.
    verifyRest(2 - 2 * 3, REST, 15, LORA);
  }

  @Test
  void loraWithDropout() {
    Subject subject = new Subject(Base.FROZEN, 0.1, Magnitudes.NONE, Blocks.KEPT);
    // A map masks its input, masks it again on the way back for dA, and masks dx.
    Map<String, Integer> kernels = with(block(2 * MAPS), Map.of("dropout", 3 * MAPS));
    // The keys of a map's mask, one a token, are kept; its masked inputs are not.
    long kept = (KEPT_COLUMNS + LOW_RANK_COLUMNS + MAPS) * COLUMN;
    // Four more tensors a map: these keys, the two masked inputs, and the gradient before its mask.
    verifyBlock(new Counts(MAPS * (3 + 5), kernels, 69 + 5, kept), subject);
    verifyRest(2 - 2 * 3, with(REST, Map.of("dropout", -3)), 12, subject);
  }

  @Test
  void dora() {
    Subject subject = new Subject(Base.FROZEN, 0, Magnitudes.DORA, Blocks.KEPT);
    // Three more products a map, once a step, for the norms of rows: A·Wᵀ, A·Aᵀ and B·(A·Aᵀ).
    Map<String, Integer> kernels = with(with(block(3 * MAPS), OF_DORA), OF_DORA_BACKWARD);
    // The outputs of o and down are kept too; those of the others are kept anyway. The sum of the
    // block's input and the output of o is not: it is added again.
    long kept = (KEPT_COLUMNS + LOW_RANK_COLUMNS + HIDDEN) * COLUMN;
    verifyBlock(new Counts(MAPS * (3 + 5 + 3), kernels, 71 + 6, kept), subject);
    verifyRest(2 - 2 * 3, REST, 14, subject);
  }

  @Test
  void qlora() {
    Subject subject = new Subject(Base.NF4, 0, Magnitudes.NONE, Blocks.KEPT);
    // Those over W, forward and dx, are tiles now.
    long kept = (KEPT_COLUMNS + LOW_RANK_COLUMNS) * COLUMN;
    verifyBlock(new Counts(MAPS * (2 + 4), block(2 * MAPS), 41 + 5 + 2 * MAPS, kept), subject);
    verifyRest(2 - 3, REST, 15 - 3, subject);
  }

  @Test
  void fullFineTuning() {
    Subject subject = new Subject(Base.TRAINED, 0, Magnitudes.NONE, Blocks.KEPT);
    // A map: forward, dx, dW. Trained are the seven maps and two norms.
    Map<String, Integer> kernels = with(block(MAPS + 2), Map.of("rmsNormWeightGradient", 2));
    verifyBlock(new Counts(3 * MAPS, kernels, 27 + 5, KEPT_COLUMNS * COLUMN), subject);
    // Embedding (tied to the head) and last norm are trained, so the first norm has a dx too.
    verifyRest(
        3,
        with(
            REST,
            Map.of(
                "adamW", 2,
                "sumOfSquares", 2,
                "rmsNormBackward", 1,
                "rmsNormWeightGradient", 1,
                "scatterAddRows", 1)),
        16,
        subject);
  }

  @Test
  void recompute() {
    Subject subject = new Subject(Base.FROZEN, 0, Magnitudes.NONE, Blocks.RECOMPUTED);
    // Every block goes forward twice: three more products a map, its kernels once more. Only its
    // input is kept.
    verifyBlock(
        new Counts(MAPS * (2 * 3 + 5), with(block(2 * MAPS), FORWARD), 66 + 5, HIDDEN * COLUMN),
        subject);
    verifyRest(2 - 2 * 3, REST, 15, subject);
  }

  @Test
  void doraWithRecompute() {
    Subject subject = new Subject(Base.FROZEN, 0, Magnitudes.DORA, Blocks.RECOMPUTED);
    Map<String, Integer> kernels = with(with(block(3 * MAPS), OF_DORA), OF_DORA_BACKWARD);
    // The norms of rows are taken once a step, not once a pass.
    verifyBlock(
        new Counts(
            MAPS * (2 * 3 + 5 + 3), with(kernels, with(FORWARD, OF_DORA)), 96 + 6, HIDDEN * COLUMN),
        subject);
    verifyRest(2 - 2 * 3, REST, 14, subject);
  }

  /** Kernels that a block runs on its way forward; rotations of q and k. */
  private static final Map<String, Integer> FORWARD =
      Map.of("rmsNorm", 2, "rope", 2, "attention", 1, "swiglu", 1, "add", 2);

  /** Those of its way back, where norms and gate are computed again. */
  private static final Map<String, Integer> BACKWARD =
      Map.of(
          "rmsNormBackward", 2,
          "rope", 2,
          "attentionBackward", 1,
          "swigluBackward", 1,
          "rmsNorm", 2,
          "swiglu", 1);

  /** What DoRA adds to a block's way forward: the magnitudes of seven maps. */
  private static final Map<String, Integer> OF_DORA = Map.of("scaleColumns", MAPS);

  /**
   * The same for its way back, where q and k, which it reads, are rotated back, and a sum that was
   * not kept is added again.
   */
  private static final Map<String, Integer> OF_DORA_BACKWARD =
      Map.of("scaleColumnsBackward", MAPS, "rope", 2, "add", 1);

  /**
   * Rows of the embedding and of the labelled positions are gathered, the gradient of the latter is
   * scattered; one more norm. It has a way back where the norm of the first block has none.
   */
  private static final Map<String, Integer> REST =
      Map.of("gatherRows", 2, "scatterAddRows", 1, "rmsNorm", 1, "crossEntropyWithGradient", 1);

  /** A block of which {@code trained} tensors are clipped and updated. */
  private static Map<String, Integer> block(int trained) {
    return with(with(FORWARD, BACKWARD), Map.of("adamW", trained, "sumOfSquares", trained));
  }

  private static Map<String, Integer> with(Map<String, Integer> some, Map<String, Integer> more) {
    SortedMap<String, Integer> sum = new TreeMap<>(some);
    more.forEach((name, count) -> sum.merge(name, count, Integer::sum));
    return sum;
  }

  private static void verifyBlock(Counts expected, Subject subject) {
    Counts three = counts(subject, 3);
    assertEquals(expected, three.minus(counts(subject, 2)), "one block");
    assertEquals(expected, counts(subject, 4).minus(three), "one block more");
  }

  private static void verifyRest(
      int products, Map<String, Integer> kernels, long allocations, Subject subject) {
    Counts two = counts(subject, 2);
    Counts block = counts(subject, 3).minus(two);
    Counts rest = two.minus(block).minus(block);
    assertEquals(new Counts(products, kernels, allocations, rest.kept), rest, "the rest");
  }

  private static Counts counts(Subject subject, int layers) {
    try (CountingDevice device = new CountingDevice(2);
        TrainedLlama llama = llama(subject, layers, device)) {
      llama.step(0, EXAMPLES, TOKENS);
      device.reset();
      device.memory().resetPeak();
      long before = device.memory().allocations();
      llama.step(1, EXAMPLES, TOKENS);
      return new Counts(
          device.products(),
          device.calls(),
          device.memory().allocations() - before,
          device.memory().peakBytes() - device.memory().currentBytes());
    }
  }

  private static TrainedLlama llama(Subject subject, int layers, CountingDevice device) {
    LlamaConfig config =
        new LlamaShape(HIDDEN, INNER, layers, HEADS, KV_HEADS, HEAD_DIM, 61).config(TOKENS);
    Weights weights = weights(subject.base, device);
    if (subject.base == Base.TRAINED) {
      return new TrainedLlama(config, subject.blocks, weights, device);
    }
    LoraSettings plain =
        new LoraSettings(RANK, 2 * RANK, false, subject.dropout, Targets.allLinear());
    LoraSettings lora = subject.magnitudes == Magnitudes.DORA ? plain.withDora() : plain;
    return new TrainedLlama(config, lora, subject.blocks, weights, device);
  }

  private static Weights weights(Base base, CountingDevice device) {
    Training training = base == Base.TRAINED ? Training.TRAINABLE : Training.FROZEN;
    Weights random = new RandomWeights(device, 5, 0.3, training);
    if (base != Base.NF4) {
      return random;
    }
    QuantizationScheme scheme =
        new QuantizationScheme(Quantization.NF4, Scales.QUANTISED, 64, OtherFormats.REFUSED);
    return new QuantizedWeights(random, Optional.empty(), scheme, device);
  }
}
