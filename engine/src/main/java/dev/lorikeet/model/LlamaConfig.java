package dev.lorikeet.model;

import dev.lorikeet.error.FormatException;
import dev.lorikeet.format.JsonConfig;
import dev.lorikeet.kernel.AttentionShape;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

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
    RopeScaling rope) {

  private static final int DEFAULT_CONTEXT = 2048;
  private static final double DEFAULT_EPS = 1e-6;

  /**
   * Reads and checks a config.
   *
   * @throws FormatException naming the key, what was expected and what was found
   */
  public static LlamaConfig read(JsonConfig json) {
    int hidden = positive(json, "hidden_size");
    int heads = positive(json, "num_attention_heads");
    int kvHeads = json.optInt("num_key_value_heads", heads);
    int headDim = json.optInt("head_dim", hidden / heads);
    requireSupported(json);
    if (kvHeads < 1 || heads % kvHeads != 0) {
      throw json.wrong("num_key_value_heads", "a divisor of num_attention_heads " + heads);
    }
    if (!json.has("head_dim") && hidden % heads != 0) {
      throw json.wrong("hidden_size", "a multiple of num_attention_heads " + heads);
    }
    if (headDim < 2 || headDim % 2 != 0) {
      throw json.wrong("head_dim", "an even number, because rotary positions turn pairs");
    }
    return new LlamaConfig(
        hidden,
        positive(json, "intermediate_size"),
        positive(json, "num_hidden_layers"),
        heads,
        kvHeads,
        headDim,
        positive(json, "vocab_size"),
        json.optInt("max_position_embeddings", DEFAULT_CONTEXT),
        json.optDouble("rms_norm_eps", DEFAULT_EPS),
        json.optBoolean("tie_word_embeddings", false),
        json.optBoolean("attention_bias", false),
        json.optBoolean("mlp_bias", false),
        RopeScaling.read(json));
  }

  private static void requireSupported(JsonConfig json) {
    String activation = json.findString("hidden_act").orElse("silu");
    if (!activation.equals("silu")) {
      throw json.wrong("hidden_act", "\"silu\", the only activation of this architecture here");
    }
  }

  private static int positive(JsonConfig json, String key) {
    int value = json.requiredInt(key);
    if (value < 1) {
      throw json.wrong(key, "a positive integer");
    }
    return value;
  }

  /**
   * The same config as {@code config.json} has it, for a model with default rotary positions.
   *
   * @throws IllegalStateException if the rotary positions are scaled
   */
  public Map<String, Object> json() {
    if (!rope.type().equals("default")) {
      throw new IllegalStateException("rotary positions of type " + rope.type());
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
