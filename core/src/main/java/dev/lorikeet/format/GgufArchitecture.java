package dev.lorikeet.format;

import dev.lorikeet.error.FormatException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** A {@code general.architecture} that is read: names of tensors, and keys under its name. */
final class GgufArchitecture {
  private static final Map<String, String> LLAMA_NAMES =
      Map.ofEntries(
          Map.entry("token_embd", "model.embed_tokens"),
          Map.entry("output_norm", "model.norm"),
          Map.entry("output", "lm_head"),
          Map.entry("blk.attn_norm", "model.layers.{}.input_layernorm"),
          Map.entry("blk.attn_q", "model.layers.{}.self_attn.q_proj"),
          Map.entry("blk.attn_k", "model.layers.{}.self_attn.k_proj"),
          Map.entry("blk.attn_v", "model.layers.{}.self_attn.v_proj"),
          Map.entry("blk.attn_qkv", "model.layers.{}.self_attn.qkv_proj"),
          Map.entry("blk.attn_output", "model.layers.{}.self_attn.o_proj"),
          Map.entry("blk.attn_q_norm", "model.layers.{}.self_attn.q_norm"),
          Map.entry("blk.attn_k_norm", "model.layers.{}.self_attn.k_norm"),
          Map.entry("blk.ffn_norm", "model.layers.{}.post_attention_layernorm"),
          Map.entry("blk.ffn_gate", "model.layers.{}.mlp.gate_proj"),
          Map.entry("blk.ffn_up", "model.layers.{}.mlp.up_proj"),
          Map.entry("blk.ffn_down", "model.layers.{}.mlp.down_proj"));

  private static final Map<String, String> GEMMA_NAMES =
      Map.of(
          "blk.post_attention_norm", "model.layers.{}.post_attention_layernorm",
          "blk.ffn_norm", "model.layers.{}.pre_feedforward_layernorm",
          "blk.post_ffw_norm", "model.layers.{}.post_feedforward_layernorm");

  private static final Map<String, String> PHI2_NAMES =
      Map.of(
          "output_norm", "model.final_layernorm",
          "blk.attn_qkv", "model.layers.{}.self_attn",
          "blk.attn_output", "model.layers.{}.self_attn.dense",
          "blk.ffn_up", "model.layers.{}.mlp.fc1",
          "blk.ffn_down", "model.layers.{}.mlp.fc2");

  private static final Map<String, String> STABLELM_NAMES =
      Map.of(
          "blk.attn_q_norm", "model.layers.{}.self_attn.q_layernorm.norms",
          "blk.attn_k_norm", "model.layers.{}.self_attn.k_layernorm.norms");

  private static final Map<String, String> FALCON_NAMES =
      Map.ofEntries(
          Map.entry("token_embd", "transformer.word_embeddings"),
          Map.entry("output_norm", "transformer.ln_f"),
          Map.entry("output", "lm_head"),
          Map.entry("blk.attn_norm", "transformer.h.{}.input_layernorm"),
          Map.entry("blk.attn_qkv", "transformer.h.{}.self_attention.query_key_value"),
          Map.entry("blk.attn_output", "transformer.h.{}.self_attention.dense"),
          Map.entry("blk.ffn_up", "transformer.h.{}.mlp.dense_h_to_4h"),
          Map.entry("blk.ffn_down", "transformer.h.{}.mlp.dense_4h_to_h"));

  private static final Map<String, String> NEOX_NAMES =
      Map.ofEntries(
          Map.entry("token_embd", "gpt_neox.embed_in"),
          Map.entry("output_norm", "gpt_neox.final_layer_norm"),
          Map.entry("output", "embed_out"),
          Map.entry("blk.attn_norm", "gpt_neox.layers.{}.input_layernorm"),
          Map.entry("blk.ffn_norm", "gpt_neox.layers.{}.post_attention_layernorm"),
          Map.entry("blk.attn_qkv", "gpt_neox.layers.{}.attention.query_key_value"),
          Map.entry("blk.attn_output", "gpt_neox.layers.{}.attention.dense"),
          Map.entry("blk.ffn_up", "gpt_neox.layers.{}.mlp.dense_h_to_4h"),
          Map.entry("blk.ffn_down", "gpt_neox.layers.{}.mlp.dense_4h_to_h"));

  private static final Map<String, String> GPT2_NAMES =
      Map.ofEntries(
          Map.entry("token_embd", "transformer.wte"),
          Map.entry("position_embd", "transformer.wpe"),
          Map.entry("output_norm", "transformer.ln_f"),
          Map.entry("output", "lm_head"),
          Map.entry("blk.attn_norm", "transformer.h.{}.ln_1"),
          Map.entry("blk.ffn_norm", "transformer.h.{}.ln_2"),
          Map.entry("blk.attn_qkv", "transformer.h.{}.attn.c_attn"),
          Map.entry("blk.attn_output", "transformer.h.{}.attn.c_proj"),
          Map.entry("blk.ffn_up", "transformer.h.{}.mlp.c_fc"),
          Map.entry("blk.ffn_down", "transformer.h.{}.mlp.c_proj"));

  private final Gguf file;
  private final String name;
  private final Map<String, String> names;

  private GgufArchitecture(Gguf file, String name) {
    this.file = file;
    this.name = name;
    names = names(name);
  }

  /**
   * The architecture of {@code file}.
   *
   * @throws FormatException if it says none, or one that is not known
   */
  static GgufArchitecture of(Gguf file) {
    String key = "general.architecture";
    return new GgufArchitecture(file, file.required(key, file.string(key)));
  }

  /** As the file spells it. */
  String name() {
    return name;
  }

  /** Hugging Face's name for a tensor without ending and number of the block, which is {}. */
  Optional<String> name(String stem) {
    return Optional.ofNullable(names.get(stem));
  }

  /** Attention heads. */
  int heads() {
    return positive("attention.head_count");
  }

  /** Heads of keys and values. */
  int keyHeads() {
    return has("attention.head_count_kv") ? positive("attention.head_count_kv") : heads();
  }

  /** Whether rows of queries and keys lie in another order. */
  boolean permutesRotary() {
    return name.equals("llama");
  }

  /** Whether the model's fused projection has queries, key and value of a group together. */
  boolean groupsFused() {
    return name.equals("falcon") || name.equals("gptneox");
  }

  /** Whether the model has three projections where the file may have one. */
  boolean splitsFused() {
    return name.equals("phi2");
  }

  /** Whether norms are 1 larger than the model's. */
  boolean shiftsNorms() {
    return name.startsWith("gemma");
  }

  /** Whether there is the key under the architecture's name. */
  boolean has(String key) {
    return file.has(name + "." + key);
  }

  /** A whole number of at least 1 that has to be there. */
  int positive(String key) {
    int value = file.required(name + "." + key, file.integer(name + "." + key));
    if (value < 1) {
      throw new FormatException(file.file(), name + "." + key, "is 0, expected at least 1.");
    }
    return value;
  }

  /** A whole number. */
  Optional<Integer> integer(String key) {
    return file.integer(name + "." + key);
  }

  /** A number. */
  Optional<Double> number(String key) {
    return file.number(name + "." + key);
  }

  /** A number that has to be there. */
  double requiredNumber(String key) {
    return file.required(name + "." + key, number(key));
  }

  /** A truth value. */
  Optional<Boolean> bool(String key) {
    return file.bool(name + "." + key);
  }

  /** A text. */
  Optional<String> string(String key) {
    return file.string(name + "." + key);
  }

  private Map<String, String> names(String architecture) {
    return switch (architecture) {
      case "llama", "qwen2", "qwen3" -> LLAMA_NAMES;
      case "phi3" -> with(LLAMA_NAMES, Map.of("blk.ffn_up", "model.layers.{}.mlp.gate_up_proj"));
      case "gemma2", "gemma3" -> with(LLAMA_NAMES, GEMMA_NAMES);
      case "phi2" -> with(LLAMA_NAMES, PHI2_NAMES);
      case "stablelm" -> with(LLAMA_NAMES, STABLELM_NAMES);
      case "falcon" ->
          file.tensors().containsKey("blk.0.attn_norm_2.weight")
              ? with(
                  FALCON_NAMES,
                  Map.of(
                      "blk.attn_norm", "transformer.h.{}.ln_mlp",
                      "blk.attn_norm_2", "transformer.h.{}.ln_attn"))
              : FALCON_NAMES;
      case "gptneox" -> NEOX_NAMES;
      case "gpt2" -> GPT2_NAMES;
      default ->
          throw new FormatException(
              file.file(),
              "general.architecture",
              "is "
                  + architecture
                  + ", which is not known here; known are llama, qwen2, qwen3, gemma2, gemma3,"
                  + " phi2, phi3, falcon, gptneox, gpt2 and stablelm.");
    };
  }

  private static Map<String, String> with(Map<String, String> base, Map<String, String> others) {
    Map<String, String> both = new HashMap<>(base);
    both.putAll(others);
    return both;
  }
}
