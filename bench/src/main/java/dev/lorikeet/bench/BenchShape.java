package dev.lorikeet.bench;

import dev.lorikeet.model.LlamaConfig;
import dev.lorikeet.model.RopeScaling;

/** Models that are measured; weights are random, because what a step costs depends on shapes. */
public enum BenchShape {
  /** For a dry run of the script. */
  TINY,
  /** HuggingFaceTB/SmolLM2-135M. */
  SMOLLM2,
  /** Qwen/Qwen2.5-0.5B without the biases of its projections. */
  QWEN,
  /** meta-llama/Llama-3.2-3B. */
  THREE_B;

  /** Positions that the checkpoints allow. */
  public static final int CONTEXT = 8192;

  /** Sizes of the model. */
  public LlamaConfig config() {
    return switch (this) {
      case TINY -> config(64, 128, 2, 4, 2, 16, 2_048, 10_000);
      case SMOLLM2 -> config(576, 1536, 30, 9, 3, 64, 49_152, 100_000);
      case QWEN -> config(896, 4864, 24, 14, 2, 64, 151_936, 1_000_000);
      case THREE_B -> config(3072, 8192, 28, 24, 8, 128, 128_256, 500_000);
    };
  }

  private static LlamaConfig config(
      int hidden,
      int mlp,
      int layers,
      int heads,
      int keyHeads,
      int headDim,
      int vocabulary,
      double ropeTheta) {
    RopeScaling rope = new RopeScaling.Plain(ropeTheta);
    return new LlamaConfig(
        hidden,
        mlp,
        layers,
        heads,
        keyHeads,
        headDim,
        vocabulary,
        CONTEXT,
        1e-5,
        true,
        false,
        false,
        rope);
  }
}
