package dev.lorikeet.format;

import dev.lorikeet.error.FormatException;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The {@code config.json} that the metadata of a GGUF file come to: the way back from what
 * llama.cpp's convert_hf_to_gguf.py writes. What the format has no key for is what llama.cpp itself
 * assumes, such as the scale of Gemma's attention.
 */
public final class GgufConfig {
  private static final double GEMMA3_LOCAL_THETA = 10_000;

  private final Gguf file;
  private final GgufArchitecture keys;
  private final ObjectNode json = JsonFile.MAPPER.createObjectNode();

  private GgufConfig(Gguf file) {
    this.file = file;
    keys = GgufArchitecture.of(file);
  }

  /**
   * The text of the {@code config.json}.
   *
   * @throws FormatException if a key is missing, or the architecture is not known
   */
  public static String of(Gguf file) {
    return new GgufConfig(file).write();
  }

  /**
   * The text of the {@code generation_config.json}: the tokens that begin and end a text. The one
   * that ends a turn ends a text, too.
   *
   * @throws FormatException if an id is no whole number
   */
  public static String generation(Gguf file) {
    ObjectNode json = JsonFile.MAPPER.createObjectNode();
    file.integer("tokenizer.ggml.bos_token_id").ifPresent(id -> json.put("bos_token_id", id));
    Set<Integer> ends = new LinkedHashSet<>();
    file.integer("tokenizer.ggml.eos_token_id").ifPresent(ends::add);
    file.integer("tokenizer.ggml.eot_token_id").ifPresent(ends::add);
    if (!ends.isEmpty()) {
      ArrayNode ids = json.putArray("eos_token_id");
      ends.forEach(ids::add);
    }
    file.integer("tokenizer.ggml.padding_token_id").ifPresent(id -> json.put("pad_token_id", id));
    return JsonFile.MAPPER.writeValueAsString(json) + "\n";
  }

  private String write() {
    int parts = file.integer("split.count").orElse(1);
    if (parts > 1) {
      throw new FormatException(
          file.file(),
          "split.count",
          "the model is split into %d files; join them with llama.cpp's llama-gguf-split --merge."
              .formatted(parts));
    }
    switch (keys.name()) {
      case "llama" -> llama();
      case "qwen2" -> gated("qwen2", "Qwen2ForCausalLM");
      case "qwen3" -> qwen3();
      case "gemma2" -> gemma2();
      case "gemma3" -> gemma3();
      case "phi2" -> phi2();
      case "phi3" -> phi3();
      case "falcon" -> falcon();
      case "gptneox" -> gptNeox();
      case "gpt2" -> gpt2();
      case "stablelm" -> stableLm();
      default -> throw new IllegalStateException(keys.name());
    }
    token("bos_token_id");
    token("eos_token_id");
    return JsonFile.MAPPER.writeValueAsString(json) + "\n";
  }

  private void family(String type, String architecture) {
    json.put("model_type", type);
    json.putArray("architectures").add(architecture);
    String embedding = "token_embd.weight";
    GgufTensor table = file.tensors().get(embedding);
    if (table == null || table.shape().size() != 2) {
      throw new FormatException(
          file.file(), embedding, "the file holds no such matrix; it is no language model.");
    }
    json.put("vocab_size", table.shape().getFirst());
    json.put("tie_word_embeddings", !file.tensors().containsKey("output.weight"));
  }

  private void sizes(String type, String architecture) {
    family(type, architecture);
    json.put("hidden_size", keys.positive("embedding_length"));
    json.put("num_hidden_layers", keys.positive("block_count"));
    json.put("num_attention_heads", keys.heads());
    json.put("max_position_embeddings", keys.positive("context_length"));
    keys.number("rope.freq_base").ifPresent(theta -> json.put("rope_theta", theta));
  }

  private void gated(String type, String architecture) {
    sizes(type, architecture);
    json.put("num_key_value_heads", keys.keyHeads());
    json.put("intermediate_size", keys.positive("feed_forward_length"));
    json.put("rms_norm_eps", keys.requiredNumber("attention.layer_norm_rms_epsilon"));
    ropeScaling();
  }

  private void llama() {
    gated("llama", "LlamaForCausalLM");
    headSize();
    json.put("attention_bias", has("blk.0.attn_q.bias"));
    json.put("mlp_bias", has("blk.0.ffn_up.bias"));
  }

  private void qwen3() {
    gated("qwen3", "Qwen3ForCausalLM");
    headSize();
    json.put("attention_bias", has("blk.0.attn_q.bias"));
  }

  private void headSize() {
    keys.integer("attention.key_length")
        .or(() ->
            keys.name().equals("llama") ? keys.integer("rope.dimension_count") : Optional.empty())
        .ifPresent(size -> json.put("head_dim", size));
  }

  private int headDim() {
    return keys.integer("attention.key_length")
        .orElseGet(() -> keys.positive("embedding_length") / keys.heads());
  }

  private void gemma(String type, String architecture, int layersOfLargest) {
    gated(type, architecture);
    int head = headDim();
    json.put("head_dim", head);
    // llama.cpp: only the largest model of each family scales by hidden size / heads.
    boolean largest = keys.positive("block_count") == layersOfLargest;
    json.put(
        "query_pre_attn_scalar", largest ? keys.positive("embedding_length") / keys.heads() : head);
    keys.integer("attention.sliding_window").ifPresent(size -> json.put("sliding_window", size));
    cap("attn_logit_softcapping");
    cap("final_logit_softcapping");
  }

  private void gemma2() {
    gemma("gemma2", "Gemma2ForCausalLM", 46);
  }

  private void gemma3() {
    gemma("gemma3_text", "Gemma3ForCausalLM", 62);
    json.put("rope_local_base_freq", keys.number("rope.freq_base_swa").orElse(GEMMA3_LOCAL_THETA));
    json.put("sliding_window_pattern", keys.integer("attention.sliding_window_pattern").orElse(6));
  }

  private void cap(String key) {
    Optional<Double> value = keys.number(key);
    if (value.isPresent()) {
      json.put(key, value.get());
    } else {
      json.putNull(key);
    }
  }

  private void phi2() {
    sizes("phi", "PhiForCausalLM");
    json.put("num_key_value_heads", keys.keyHeads());
    json.put("intermediate_size", keys.positive("feed_forward_length"));
    json.put("layer_norm_eps", keys.requiredNumber("attention.layer_norm_epsilon"));
    rotaryPart("partial_rotary_factor");
    ropeScaling();
  }

  private void phi3() {
    gated("phi3", "Phi3ForCausalLM");
    rotaryPart("partial_rotary_factor");
    keys.integer("attention.sliding_window")
        .filter(size -> size > 0)
        .ifPresent(size -> json.put("sliding_window", size));
    int context = keys.positive("context_length");
    json.put(
        "original_max_position_embeddings",
        keys.integer("rope.scaling.original_context_length").orElse(context));
    json.put("pad_token_id", file.integer("tokenizer.ggml.padding_token_id").orElse(0));
    if (has("rope_factors_long.weight") && has("rope_factors_short.weight")) {
      ObjectNode scaling = json.putObject("rope_scaling").put("rope_type", "longrope");
      factors(scaling.putArray("long_factor"), "rope_factors_long.weight");
      factors(scaling.putArray("short_factor"), "rope_factors_short.weight");
      keys.number("rope.scaling.attn_factor")
          .ifPresent(factor -> scaling.put("attention_factor", factor));
    }
  }

  private void rotaryPart(String key) {
    keys.integer("rope.dimension_count").ifPresent(size -> json.put(key, share(size, headDim())));
  }

  /** A share that, times {@code whole} and rounded down, gives {@code part}. */
  private static double share(int part, int whole) {
    double share = (double) part / whole;
    return (int) (whole * share) == part ? share : Math.nextUp(share);
  }

  private void falcon() {
    sizes("falcon", "FalconForCausalLM");
    int keyHeads = keys.keyHeads();
    boolean twoNorms = has("blk.0.attn_norm_2.weight");
    boolean grouped = keyHeads > 1 && keyHeads < keys.heads();
    json.put("new_decoder_architecture", twoNorms || grouped);
    json.put("num_ln_in_parallel_attn", twoNorms ? 2 : 1);
    json.put("multi_query", keyHeads == 1);
    json.put("num_kv_heads", keyHeads);
    json.put("parallel_attn", true);
    json.put("alibi", false);
    json.put("bias", has("blk.0.attn_qkv.bias"));
    json.put("ffn_hidden_size", keys.positive("feed_forward_length"));
    json.put("layer_norm_epsilon", keys.requiredNumber("attention.layer_norm_epsilon"));
    ropeScaling();
  }

  private void gptNeox() {
    sizes("gpt_neox", "GPTNeoXForCausalLM");
    json.put("intermediate_size", keys.positive("feed_forward_length"));
    json.put("layer_norm_eps", keys.requiredNumber("attention.layer_norm_epsilon"));
    json.put("use_parallel_residual", keys.bool("use_parallel_residual").orElse(true));
    json.put("attention_bias", has("blk.0.attn_qkv.bias"));
    rotaryPart("rotary_pct");
    keys.number("rope.freq_base").ifPresent(theta -> json.put("rotary_emb_base", theta));
    json.remove("rope_theta");
    ropeScaling();
  }

  private void gpt2() {
    family("gpt2", "GPT2LMHeadModel");
    json.put("n_embd", keys.positive("embedding_length"));
    json.put("n_layer", keys.positive("block_count"));
    json.put("n_head", keys.heads());
    json.put("n_positions", keys.positive("context_length"));
    json.put("n_inner", keys.positive("feed_forward_length"));
    json.put("layer_norm_epsilon", keys.requiredNumber("attention.layer_norm_epsilon"));
  }

  private void stableLm() {
    sizes("stablelm", "StableLmForCausalLM");
    json.put("num_key_value_heads", keys.keyHeads());
    json.put("intermediate_size", keys.positive("feed_forward_length"));
    json.put("layer_norm_eps", keys.requiredNumber("attention.layer_norm_epsilon"));
    json.put("use_parallel_residual", !has("blk.0.ffn_norm.weight"));
    json.put("use_qkv_bias", has("blk.0.attn_q.bias"));
    json.put("qk_layernorm", has("blk.0.attn_q_norm.weight"));
    rotaryPart("partial_rotary_factor");
    ropeScaling();
  }

  /** What {@code rope.scaling} and {@code rope_freqs.weight} say. */
  private void ropeScaling() {
    if (has(GgufRope.DIVISORS)) {
      double theta = keys.number("rope.freq_base").orElse(10_000.0);
      json.set("rope_scaling", GgufRope.llama3(file, theta));
      return;
    }
    String type = keys.string("rope.scaling.type").orElse("none");
    switch (type) {
      case "none" -> {}
      case "linear" ->
          json.putObject("rope_scaling")
              .put("rope_type", "linear")
              .put("factor", keys.requiredNumber("rope.scaling.factor"));
      case "yarn" -> yarn();
      default ->
          throw new FormatException(
              file.file(),
              keys.name() + ".rope.scaling.type",
              "is " + type + "; none, linear and yarn are known, and longrope of phi3.");
    }
  }

  private void yarn() {
    ObjectNode scaling = json.putObject("rope_scaling").put("rope_type", "yarn");
    scaling.put("factor", keys.requiredNumber("rope.scaling.factor"));
    keys.integer("rope.scaling.original_context_length")
        .ifPresent(length -> scaling.put("original_max_position_embeddings", length));
    keys.number("rope.scaling.yarn_beta_fast").ifPresent(beta -> scaling.put("beta_fast", beta));
    keys.number("rope.scaling.yarn_beta_slow").ifPresent(beta -> scaling.put("beta_slow", beta));
    keys.number("rope.scaling.yarn_attn_factor")
        .ifPresent(factor -> scaling.put("attention_factor", factor));
    requireNeutral("rope.scaling.yarn_ext_factor", 1);
    requireNeutral("rope.scaling.yarn_log_multiplier", 0);
  }

  /** Settings of llama.cpp that nothing here stands for. */
  private void requireNeutral(String key, double neutral) {
    keys.number(key)
        .filter(found -> found != neutral)
        .ifPresent(found -> {
          throw new FormatException(
              file.file(),
              keys.name() + "." + key,
              "is %s; only %s is known.".formatted(found, neutral));
        });
  }

  private void factors(ArrayNode target, String tensor) {
    GgufTensor found = file.required(tensor, Optional.ofNullable(file.tensors().get(tensor)));
    for (float factor : file.floats(found)) {
      target.add(factor);
    }
  }

  private boolean has(String tensor) {
    return file.tensors().containsKey(tensor);
  }

  private void token(String key) {
    file.integer("tokenizer.ggml." + key).ifPresent(id -> json.put(key, id));
  }
}
