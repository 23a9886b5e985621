package dev.lorikeet.model;

import dev.lorikeet.format.JsonConfig;
import dev.lorikeet.kernel.Activation;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/** Reads and checks what several families' configs have in common. */
record ConfigReader(JsonConfig json) {
  private static final Map<String, Activation> ACTIVATIONS =
      new TreeMap<>(
          Map.of(
              "silu", Activation.SILU,
              "swish", Activation.SILU,
              "gelu", Activation.GELU,
              "gelu_new", Activation.GELU_TANH,
              "gelu_fast", Activation.GELU_TANH,
              "gelu_pytorch_tanh", Activation.GELU_TANH,
              "relu", Activation.RELU));

  /** Keys that change no number that the model computes, or none that it computes here. */
  private static final List<String> HARMLESS =
      List.of(
          "_attn_implementation_autoset",
          "_name_or_path",
          "architectures",
          "attention_dropout",
          "attn_implementation",
          "attn_pdrop",
          "auto_map",
          "begin_suppress_tokens",
          "bad_words_ids",
          "bos_token_id",
          "cache_implementation",
          "chunk_size_feed_forward",
          "classifier_dropout",
          "cls_token_id",
          "decoder_start_token_id",
          "diversity_penalty",
          "do_sample",
          "dtype",
          "early_stopping",
          "embd_pdrop",
          "encoder_no_repeat_ngram_size",
          "eos_token_id",
          "exponential_decay_length_penalty",
          "finetuning_task",
          "forced_bos_token_id",
          "forced_eos_token_id",
          "gradient_checkpointing",
          "hidden_dropout",
          "id2label",
          "initializer_range",
          "keys_to_ignore_at_inference",
          "label2id",
          "length_penalty",
          "max_length",
          "min_length",
          "model_type",
          "no_repeat_ngram_size",
          "num_beam_groups",
          "num_beams",
          "num_return_sequences",
          "pad_token_id",
          "prefix",
          "pretraining_tp",
          "problem_type",
          "quantization_config",
          "repetition_penalty",
          "resid_pdrop",
          "return_dict",
          "sep_token_id",
          "suppress_tokens",
          "task_specific_params",
          "temperature",
          "tokenizer_class",
          "top_k",
          "top_p",
          "torch_dtype",
          "transformers.js_config",
          "transformers_version",
          "typical_p",
          "unsloth_fixed",
          "unsloth_version",
          "use_cache");

  /**
   * Refuses keys that nobody asked for: they may change what the model computes.
   *
   * @param harmless further keys that do not
   * @throws dev.lorikeet.error.FormatException naming the first of them
   */
  void requireAllKnown(String family, List<String> harmless) {
    List<String> unknown =
        json.unasked().stream()
            .filter(key -> !HARMLESS.contains(key) && !harmless.contains(key))
            .filter(key -> HARMLESS.stream().noneMatch(known -> key.startsWith(known + ".")))
            .toList();
    if (!unknown.isEmpty()) {
      String others =
          unknown.size() == 1
              ? ""
              : "; nor are " + String.join(", ", unknown.subList(1, unknown.size()));
      throw json.unknown(
          unknown.getFirst(),
          "Lorikeet's models of type %s have none of this name, and it may change what they compute%s. Remove what certainly changes nothing from config.json."
              .formatted(family, others));
    }
  }

  /** An integer of at least 1. */
  int positive(String key) {
    return requirePositive(key, json.requiredInt(key));
  }

  /** The same, or {@code fallback} if the key is absent. */
  int positive(String key, int fallback) {
    return requirePositive(key, json.optInt(key, fallback));
  }

  private int requirePositive(String key, int value) {
    if (value < 1) {
      throw json.wrong(key, "a positive integer");
    }
    return value;
  }

  /**
   * Query heads per key head are a whole number; null means that each has its own.
   *
   * @param absent heads where there is no such key, if that is not the same
   */
  int kvHeads(String key, int heads, OptionalInt absent) {
    int kvHeads = json.optInt(key, json.keys().contains(key) ? heads : absent.orElse(heads));
    if (kvHeads < 1 || heads % kvHeads != 0) {
      throw json.wrong(key, "a divisor of the number of heads " + heads);
    }
    return kvHeads;
  }

  /** {@code head_dim}, or hidden / heads, which then has no rest. */
  int headDim(int hidden, int heads) {
    if (!json.has("head_dim") && hidden % heads != 0) {
      throw json.wrong("hidden_size", "a multiple of num_attention_heads " + heads);
    }
    return positive("head_dim", Math.max(1, hidden / heads));
  }

  /** The curve that the key names. */
  Activation activation(String key, String fallback) {
    Activation activation = ACTIVATIONS.get(json.findString(key).orElse(fallback));
    if (activation == null) {
      throw json.wrong(key, "one of " + ACTIVATIONS.keySet());
    }
    return activation;
  }

  /** Refuses another curve than Llama's. */
  void requireSilu() {
    if (activation("hidden_act", "silu") != Activation.SILU) {
      throw json.wrong("hidden_act", "\"silu\", the only activation of this architecture here");
    }
  }

  /** Refuses a switch that is not available here. */
  void requireOff(String key, String what) {
    if (json.optBoolean(key, false)) {
      throw json.wrong(key, "false: " + what + " is not available here");
    }
  }

  /** A window in tokens, 0 for null; {@code absent} where there is no such key. */
  int window(String key, int absent) {
    if (!json.keys().contains(key)) {
      return absent;
    }
    return json.has(key) ? positive(key) : 0;
  }

  /** A cap of scores or logits, 0 for none. */
  float cap(String key, double fallback) {
    if (!json.keys().contains(key)) {
      return (float) fallback;
    }
    double cap = json.optDouble(key, 0);
    if (cap < 0 || (json.has(key) && cap == 0)) {
      throw json.wrong(key, "a positive number or null");
    }
    return (float) cap;
  }

  /**
   * Which layers look back only as far as the window.
   *
   * @param fallback for layers by index, where the config does not list them
   */
  List<Boolean> sliding(int layers, IntPredicate fallback) {
    List<String> types = json.stringList("layer_types");
    if (types.isEmpty()) {
      return IntStream.range(0, layers).mapToObj(fallback::test).toList();
    }
    if (types.size() != layers) {
      throw json.wrong("layer_types", "a type for each of " + layers + " layers");
    }
    return types.stream().map(this::isSliding).toList();
  }

  private boolean isSliding(String type) {
    return switch (type) {
      case "sliding_attention" -> true;
      case "full_attention" -> false;
      default -> throw json.wrong("layer_types", "only sliding_attention and full_attention");
    };
  }
}
