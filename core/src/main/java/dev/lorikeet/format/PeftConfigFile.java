package dev.lorikeet.format;

import dev.lorikeet.error.FormatException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiFunction;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The JSON side of {@link PeftAdapterConfig}: PEFT's keys, defaults and what is refused. */
final class PeftConfigFile {
  static final String LORA = "LORA";

  /** Initialisations that leave the base weights alone, so that an adapter loads without them. */
  private static final Set<String> BASE_KEEPING_INITS =
      Set.of("true", "false", "gaussian", "eva", "orthogonal");

  /** Keys that change what an adapter computes whenever they are neither null, false nor empty. */
  private static final List<String> UNSUPPORTED =
      List.of(
          "layer_replication",
          "trainable_token_indices",
          "lora_bias",
          "megatron_config",
          "target_parameters",
          "alora_invocation_tokens",
          "arrow_config",
          "kasa_config",
          "monteclora_config",
          "use_bdlora",
          "use_qalora",
          "ensure_weight_tying");

  private PeftConfigFile() {}

  static PeftAdapterConfig read(Path file) {
    JsonConfig json = JsonConfig.read(file);
    String peftType = json.requiredString("peft_type");
    if (!peftType.equals(LORA)) {
      throw new FormatException(
          file,
          "peft_type",
          "expected LORA, found " + peftType + ". Only LoRA adapters can be loaded.");
    }
    List<String> refused = unsupported(json);
    if (!refused.isEmpty()) {
      throw new FormatException(
          file,
          "the adapter uses features that are not supported: "
              + String.join(", ", refused)
              + ". Ignoring them would change its results; load a plain LoRA adapter instead.");
    }
    return parse(json);
  }

  private static PeftAdapterConfig parse(JsonConfig json) {
    return new PeftAdapterConfig(
        LORA,
        positiveRank(json),
        inRange(json, "lora_alpha", 8, "a number above 0", Double.MIN_VALUE, Double.MAX_VALUE),
        inRange(json, "lora_dropout", 0, "a number in [0, 1)", 0, Math.nextDown(1.0)),
        modules(json, "target_modules"),
        modules(json, "exclude_modules"),
        json.findString("bias").orElse("none"),
        json.optBoolean("use_rslora", false),
        json.optBoolean("use_dora", false),
        json.stringList("modules_to_save"),
        pattern(json, "rank_pattern", JsonConfig::requiredInt, rank -> rank >= 1),
        pattern(json, "alpha_pattern", JsonConfig::requiredDouble, alpha -> alpha > 0),
        json.intList("layers_to_transform"),
        json.stringList("layers_pattern"),
        json.optBoolean("fan_in_fan_out", false),
        initialisation(json),
        json.findString("base_model_name_or_path"),
        json.findString("revision"),
        json.findString("task_type"),
        json.optBoolean("inference_mode", true),
        json.findString("peft_version"));
  }

  static ObjectNode toNode(PeftAdapterConfig config) {
    ObjectNode node = JsonFile.MAPPER.createObjectNode();
    // PEFT sorts the keys of its patterns on saving, and so does this.
    node.set("alpha_pattern", object(config.alphaPattern()));
    node.put("base_model_name_or_path", config.baseModelNameOrPath().orElse(null));
    node.put("bias", config.bias());
    node.set("exclude_modules", modulesNode(config.excludeModules()));
    node.put("fan_in_fan_out", config.fanInFanOut());
    node.put("inference_mode", config.inferenceMode());
    switch (config.initLoraWeights()) {
      case "true", "false" ->
          node.put("init_lora_weights", Boolean.parseBoolean(config.initLoraWeights()));
      default -> node.put("init_lora_weights", config.initLoraWeights());
    }
    node.putNull("layer_replication");
    node.set("layers_pattern", listOrNull(config.layersPattern()));
    node.set("layers_to_transform", listOrNull(config.layersToTransform()));
    node.putObject("loftq_config");
    putNumber(node, "lora_alpha", config.loraAlpha());
    node.put("lora_bias", false);
    node.put("lora_dropout", config.loraDropout());
    node.set("modules_to_save", listOrNull(config.modulesToSave()));
    node.put("peft_type", config.peftType());
    node.put("peft_version", config.peftVersion().orElse(null));
    node.put("r", config.r());
    node.set("rank_pattern", object(config.rankPattern()));
    node.put("revision", config.revision().orElse(null));
    node.set("target_modules", modulesNode(config.targetModules()));
    node.put("task_type", config.taskType().orElse(null));
    node.putNull("trainable_token_indices");
    node.put("use_dora", config.useDora());
    node.put("use_rslora", config.useRslora());
    return node;
  }

  private static List<String> unsupported(JsonConfig json) {
    List<String> refused = new ArrayList<>();
    for (String key : UNSUPPORTED) {
      if (json.isSet(key)) {
        refused.add(key);
      }
    }
    json.findString("bias")
        .filter(bias -> !bias.equals("none"))
        .ifPresent(bias -> refused.add("bias=" + bias));
    String init = initialisation(json);
    if (!BASE_KEEPING_INITS.contains(init)) {
      refused.add("init_lora_weights=" + init + " (changes the base weights on loading)");
    }
    return refused;
  }

  private static int positiveRank(JsonConfig json) {
    int rank = json.optInt("r", 8);
    if (rank < 1) {
      throw json.wrong("r", "an integer of at least 1");
    }
    return rank;
  }

  private static double inRange(
      JsonConfig json, String key, double fallback, String expected, double low, double high) {
    double value = json.optDouble(key, fallback);
    if (!(value >= low && value <= high)) {
      throw json.wrong(key, expected);
    }
    return value;
  }

  /** PEFT's keys of several types: a list of names or one string with a meaning of its own. */
  private static Optional<TargetModules> modules(JsonConfig json, String key) {
    List<String> names = json.stringList(key);
    if (names.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        json.isList(key) ? new TargetModules.Names(names) : TargetModules.parse(names.getFirst()));
  }

  private static String initialisation(JsonConfig json) {
    String key = "init_lora_weights";
    return json.isBoolean(key)
        ? String.valueOf(json.optBoolean(key, true))
        : json.findString(key).orElse("true");
  }

  private static <T extends Number> Map<String, T> pattern(
      JsonConfig json, String key, BiFunction<JsonConfig, String, T> value, Predicate<T> inRange) {
    Map<String, T> pattern = new LinkedHashMap<>();
    json.object(key)
        .ifPresent(inner ->
            inner
                .keys()
                .forEach(name -> {
                  T number = value.apply(inner, name);
                  if (!inRange.test(number)) {
                    throw inner.wrong(name, "a number above 0");
                  }
                  requireExpression(inner, name);
                  pattern.put(name, number);
                }));
    return pattern;
  }

  private static void requireExpression(JsonConfig json, String pattern) {
    try {
      Pattern.compile(pattern);
    } catch (PatternSyntaxException wrong) {
      throw json.wrong(
          pattern, "a key that is a regular expression (" + wrong.getDescription() + ")");
    }
  }

  private static JsonNode modulesNode(Optional<TargetModules> modules) {
    JsonNodeFactory nodes = JsonNodeFactory.instance;
    if (modules.isEmpty()) {
      return nodes.nullNode();
    }
    return switch (modules.get()) {
      case TargetModules.AllLinear _ -> nodes.stringNode(TargetModules.ALL_LINEAR);
      case TargetModules.Expression expression -> nodes.stringNode(expression.regex());
      case TargetModules.Names names -> listOrNull(names.names());
    };
  }

  private static JsonNode listOrNull(List<?> items) {
    if (items.isEmpty()) {
      return JsonNodeFactory.instance.nullNode();
    }
    ArrayNode node = JsonNodeFactory.instance.arrayNode();
    items.forEach(node::addPOJO);
    return node;
  }

  private static ObjectNode object(Map<String, ? extends Number> map) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    new TreeMap<>(map).forEach((key, value) -> putNumber(node, key, value.doubleValue()));
    return node;
  }

  /** Whole numbers without a fraction, as Python writes an int. */
  private static void putNumber(ObjectNode node, String key, double value) {
    if (value == Math.rint(value) && Math.abs(value) < 1e15) {
      node.put(key, (long) value);
    } else {
      node.put(key, value);
    }
  }
}
