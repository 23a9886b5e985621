package dev.lorikeet.config;

import dev.lorikeet.error.Spelling;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** The keys of a recipe as the records define them, and those that are kept for later. */
final class RecipeKeys {
  /** Keys that mean something in the field but are not built yet. */
  static final Set<String> RESERVED = Set.of("data.clean", "eval", "plan");

  /** Values of closed sets that are not built yet. */
  static final Map<String, Set<String>> RESERVED_VALUES =
      Map.of(
          "adapter.init_lora_weights",
          Set.of("false", "eva", "olora", "orthogonal", "corda", "lora_ga"));

  /** What other tools call our keys. */
  private static final Map<String, String> ELSEWHERE =
      Map.ofEntries(
          Map.entry("lr", "learning_rate"),
          Map.entry("rank", "r"),
          Map.entry("lora_r", "r"),
          Map.entry("alpha", "lora_alpha"),
          Map.entry("dropout", "lora_dropout"),
          Map.entry("modules", "target_modules"),
          Map.entry("num_train_epochs", "epochs"),
          Map.entry("batch_size", "global_batch"),
          Map.entry("train_batch_size", "global_batch"),
          Map.entry("micro_batch_size", "micro_batch"),
          Map.entry("per_device_train_batch_size", "micro_batch"),
          Map.entry("lr_scheduler_type", "schedule"),
          Map.entry("optim", "optimizer"),
          Map.entry("min_lr_rate", "min_learning_rate_ratio"),
          Map.entry("num_cycles", "schedule_cycles"),
          Map.entry("num_decay_steps", "decay_steps"),
          Map.entry("save_steps", "checkpoint_steps"),
          Map.entry("save_total_limit", "keep_checkpoints"),
          Map.entry("load_best_model_at_end", "load_best_at_end"),
          Map.entry("early_stopping_threshold", "early_stopping_min_delta"),
          Map.entry("max_length", "max_seq_len"),
          Map.entry("max_seq_length", "max_seq_len"),
          Map.entry("cutoff_len", "max_seq_len"),
          Map.entry("gradient_checkpointing", "recompute"),
          Map.entry("output_dir", "dir"),
          Map.entry("model_name_or_path", "path"),
          Map.entry("repo_id", "id"),
          Map.entry("model_revision", "revision"),
          Map.entry("bnb_4bit_quant_type", "quantization"),
          Map.entry("bnb_4bit_use_double_quant", "double_quant"),
          Map.entry("loftq_config", "loftq_iter"),
          Map.entry("loftq_bits", "quantization"),
          Map.entry("val_set_size", "validation"),
          Map.entry("train_on_inputs", "loss"),
          Map.entry("prompt_template", "prompt"),
          Map.entry("field_mapping", "columns"));

  /** The list whose entries have keys of their own. */
  private static final String SOURCES = "data.sources";

  private RecipeKeys() {}

  /** Key of a record component: {@code loraAlpha} is {@code lora_alpha}. */
  static String key(RecordComponent component) {
    return component.getName().replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
  }

  /** Full key below {@code prefix}, which is empty at the top. */
  static String path(String prefix, String key) {
    return prefix.isEmpty() ? key : prefix + "." + key;
  }

  /** Every full key that has a value, in the order of the records. */
  static List<String> all() {
    List<String> keys = new ArrayList<>();
    for (RecordComponent component : RunConfig.class.getRecordComponents()) {
      if (component.getType().isRecord()) {
        for (RecordComponent inner : component.getType().getRecordComponents()) {
          keys.add(path(key(component), key(inner)));
        }
      } else {
        keys.add(key(component));
      }
    }
    return keys;
  }

  /** Whether {@code key} holds keys rather than a value. */
  static boolean isSection(String key) {
    return sections().contains(key);
  }

  private static List<String> sections() {
    return Arrays.stream(RunConfig.class.getRecordComponents())
        .filter(component -> component.getType().isRecord())
        .map(RecipeKeys::key)
        .toList();
  }

  /** The valid key that an unknown one most likely meant, or the keys of its section. */
  static String suggestion(String unknown) {
    List<String> keys = new ArrayList<>(all());
    keys.addAll(sections());
    for (RecordComponent inner : SourceSettings.class.getRecordComponents()) {
      if (unknown.startsWith(SOURCES)) {
        keys.add(path(SOURCES, key(inner)));
      }
    }
    String name = lastPart(unknown);
    String ours = ELSEWHERE.getOrDefault(name, name);
    for (String key : keys) {
      if (lastPart(key).equals(ours)) {
        return "did you mean " + key + "?";
      }
    }
    String nearest = keys.getFirst();
    int best = Integer.MAX_VALUE;
    for (String key : keys) {
      int distance =
          Math.min(Spelling.distance(key, unknown), Spelling.distance(lastPart(key), name) + 1);
      if (distance < best) {
        best = distance;
        nearest = key;
      }
    }
    if (best <= Math.max(2, name.length() / 3) && best < name.length()) {
      return "did you mean " + nearest + "?";
    }
    String section = unknown.substring(0, Math.max(0, unknown.lastIndexOf('.') + 1));
    List<String> siblings =
        keys.stream()
            .filter(k -> k.startsWith(section) && k.indexOf('.', section.length()) < 0)
            .toList();
    return "the keys there are " + String.join(", ", (siblings.isEmpty() ? keys : siblings));
  }

  private static String lastPart(String key) {
    return key.substring(key.lastIndexOf('.') + 1);
  }
}
