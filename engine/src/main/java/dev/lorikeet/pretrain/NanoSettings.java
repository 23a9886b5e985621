package dev.lorikeet.pretrain;

import dev.lorikeet.model.LlamaConfig;
import dev.lorikeet.model.RopeScaling;

/**
 * Everything that the embedded base model depends on. The same settings and the same kind of
 * processor give the same weights.
 *
 * @param seed of the text, the start of the weights and the order of documents
 * @param vocabularySize tokens, specials included
 * @param tokenizerDocuments documents that the tokenizer's merges are learned from
 * @param hiddenSize columns of the residual stream
 * @param intermediateSize columns of the gated MLP
 * @param layers blocks
 * @param documents documents of the pre-training, each read once
 * @param documentsPerStep documents of one optimiser step
 * @param documentsPerMicroBatch documents of one pass
 * @param learningRate peak rate
 * @param warmupSteps steps to the peak
 */
public record NanoSettings(
    long seed,
    int vocabularySize,
    int tokenizerDocuments,
    int hiddenSize,
    int intermediateSize,
    int layers,
    int documents,
    int documentsPerStep,
    int documentsPerMicroBatch,
    double learningRate,
    int warmupSteps) {

  /** Columns of one attention head. */
  public static final int HEAD_DIM = 64;

  /** Tokens of the context. */
  public static final int CONTEXT_LENGTH = 512;

  private static final double ROPE_THETA = 10_000.0;
  private static final double NORM_EPS = 1e-5;

  /** The settings that the committed model was made with. */
  public static NanoSettings embedded() {
    return new NanoSettings(20261122, 2048, 30_000, 256, 512, 4, 300_000, 32, 16, 2.5e-3, 50);
  }

  /** The model's config: Llama with tied embeddings and two query heads to a key head. */
  public LlamaConfig llama() {
    int heads = hiddenSize / HEAD_DIM;
    return new LlamaConfig(
        hiddenSize,
        intermediateSize,
        layers,
        heads,
        heads / 2,
        HEAD_DIM,
        vocabularySize,
        CONTEXT_LENGTH,
        NORM_EPS,
        true,
        false,
        false,
        new RopeScaling.Plain(ROPE_THETA));
  }
}
