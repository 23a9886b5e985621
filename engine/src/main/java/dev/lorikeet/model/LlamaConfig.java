package dev.lorikeet.model;

import dev.lorikeet.error.FormatException;
import dev.lorikeet.format.JsonConfig;
import dev.lorikeet.kernel.AttentionShape;
import dev.lorikeet.model.RopeScaling.Plain;
import dev.lorikeet.nn.DenseLinear.Bias;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * The keys of a Llama {@code config.json}, under Hugging Face's names.
 *
 * @param hiddenSize columns of the residual stream, H
 * @param intermediateSize columns of the gated MLP, I
 * @param numHiddenLayers blocks
 * @param numAttentionHeads query heads
 * @param numKeyValueHeads key and value heads; divides the query heads
 * @param headDim columns of a head; {@code hidden_size / num_attention_heads} unless given
 * @param vocabSize rows of the embedding
 * @param maxPositionEmbeddings context length in tokens
 * @param rmsNormEps ε of the norms
 * @param tieWordEmbeddings whether the head is the embedding
 * @param attentionBias whether q, k, v and o have biases
 * @param mlpBias whether gate, up and down have biases
 * @param rope frequencies of the rotary positions
 */
public record LlamaConfig(
    int hiddenSize,
    int intermediateSize,
    int numHiddenLayers,
    int numAttentionHeads,
    int numKeyValueHeads,
    int headDim,
    int vocabSize,
    int maxPositionEmbeddings,
    double rmsNormEps,
    boolean tieWordEmbeddings,
    boolean attentionBias,
    boolean mlpBias,
    RopeScaling rope)
    implements Architecture.Blueprint {

  private static final int DEFAULT_CONTEXT = 2048;

  /**
   * Reads and checks a config.
   *
   * @throws FormatException naming the key, what was expected and what was found
   */
  public static LlamaConfig read(JsonConfig json) {
    ConfigReader reader = new ConfigReader(json);
    Llama.Sizes sizes = Llama.Sizes.read(reader, OptionalInt.empty(), DEFAULT_CONTEXT);
    reader.requireSilu();
    return new LlamaConfig(
        sizes.hidden(),
        sizes.inner(),
        sizes.layers(),
        sizes.heads(),
        sizes.kvHeads(),
        sizes.headDim(),
        sizes.vocabulary(),
        sizes.context(),
        sizes.eps(),
        sizes.tied(),
        json.optBoolean("attention_bias", false),
        json.optBoolean("mlp_bias", false),
        RopeKeys.read(json, sizes.context()));
  }

  @Override
  public int contextLength() {
    return rope.reach(maxPositionEmbeddings);
  }

  @Override
  public CausalLm build(ModelParts parts) {
    Bias attention = Bias.of(attentionBias);
    return new Llama(
            sizes(),
            new Llama.Biases(attention, attention, Bias.of(mlpBias)),
            rope,
            _ -> attentionShape())
        .build(parts);
  }

  private Llama.Sizes sizes() {
    return new Llama.Sizes(
        hiddenSize,
        intermediateSize,
        numHiddenLayers,
        numAttentionHeads,
        numKeyValueHeads,
        headDim,
        vocabSize,
        maxPositionEmbeddings,
        rmsNormEps,
        tieWordEmbeddings);
  }

  /**
   * The same config as {@code config.json} has it, for a model with default rotary positions.
   *
   * @throws IllegalStateException if the rotary positions are scaled
   */
  public Map<String, Object> json() {
    if (!(rope instanceof Plain)) {
      throw new IllegalStateException("scaled rotary positions: " + rope);
    }
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("architectures", List.of("LlamaForCausalLM"));
    json.put("model_type", "llama");
    json.put("hidden_size", hiddenSize);
    json.put("intermediate_size", intermediateSize);
    json.put("num_hidden_layers", numHiddenLayers);
    json.put("num_attention_heads", numAttentionHeads);
    json.put("num_key_value_heads", numKeyValueHeads);
    json.put("head_dim", headDim);
    json.put("vocab_size", vocabSize);
    json.put("max_position_embeddings", maxPositionEmbeddings);
    json.put("rms_norm_eps", rmsNormEps);
    json.put("rope_theta", rope.theta());
    json.put("hidden_act", "silu");
    json.put("attention_bias", attentionBias);
    json.put("mlp_bias", mlpBias);
    json.put("tie_word_embeddings", tieWordEmbeddings);
    return json;
  }

  /** Heads and scores of every layer. */
  public AttentionShape attentionShape() {
    return AttentionShape.causal(numAttentionHeads, numKeyValueHeads, headDim);
  }
}
