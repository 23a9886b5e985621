package dev.lorikeet.config;

import dev.lorikeet.config.DataSettings.Validation;
import dev.lorikeet.config.YamlNode.Fields;
import dev.lorikeet.config.YamlNode.Items;
import dev.lorikeet.config.YamlNode.Scalar;
import dev.lorikeet.error.ConfigException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.math.BigInteger;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Reads the value of one key as the type of its record component.
 *
 * @param type type of the component
 * @param generic the same with type arguments
 * @param key full key, for messages
 */
record RecipeValue(Class<?> type, Type generic, String key) {
  private static final YamlNode MISSING = new Scalar("missing", "missing", Problem.NOWHERE);

  /** Whether a recipe has to give the key. */
  boolean required(RecordComponent component) {
    return !component.isAnnotationPresent(Default.class) && !optional();
  }

  /**
   * The default or the empty value of an optional. A required key has a text that breaks no rule,
   * so that the other keys of its record can be checked; its absence is already a problem.
   */
  Object standIn(RecordComponent component) {
    Default written = component.getAnnotation(Default.class);
    if (written != null) {
      YamlNode node =
          YamlReader.read(written.value(), YamlNode.Place::ofLine, RecipeValue::badDefault)
              .orElseThrow();
      return read(node);
    }
    return optional() ? emptyOptional() : read(MISSING);
  }

  /**
   * The value of {@code node}.
   *
   * @throws ConfigException with a problem that starts with the key
   */
  Object read(YamlNode node) {
    if (node instanceof Scalar(Object value, _, _) && value == null) {
      if (optional()) {
        return emptyOptional();
      }
      throw expected(expectation(), node);
    }
    if (type == Optional.class) {
      Class<?> inner = (Class<?>) ((ParameterizedType) generic).getActualTypeArguments()[0];
      return Optional.of(new RecipeValue(inner, inner, key).read(node));
    }
    if (type == OptionalInt.class) {
      return OptionalInt.of((int) whole(node, Integer.MIN_VALUE, Integer.MAX_VALUE));
    }
    if (type == OptionalDouble.class) {
      return OptionalDouble.of(new RecipeValue(double.class, double.class, key).number(node));
    }
    if (type == int.class || type == Integer.class) {
      return (int) whole(node, Integer.MIN_VALUE, Integer.MAX_VALUE);
    }
    if (type == long.class) {
      return whole(node, Long.MIN_VALUE, Long.MAX_VALUE);
    }
    if (type == List.class) {
      return items(node);
    }
    if (type == Map.class) {
      return map(node);
    }
    if (type == InitLoraWeights.class) {
      return start(node);
    }
    if (type == ModuleSelection.class) {
      return selection(node);
    }
    if (type == MicroBatchSize.class) {
      return node instanceof Scalar(String text, _, _) && text.equals(MicroBatchSize.AUTO)
          ? new MicroBatchSize.Auto()
          : new MicroBatchSize.Examples((int) whole(node, Integer.MIN_VALUE, Integer.MAX_VALUE));
    }
    if (type.isEnum()) {
      return choice(node);
    }
    if (type.isRecord()) {
      return RecipeBinder.item(type.asSubclass(Record.class), key, node);
    }
    return single(node);
  }

  private double number(YamlNode node) {
    return (double) single(node);
  }

  private Object single(YamlNode node) {
    if (node instanceof Scalar(Object value, String text, _)) {
      if ((type == double.class || type == Double.class) && value instanceof Number number) {
        return number.doubleValue();
      }
      if (type == boolean.class && value instanceof Boolean) {
        return value;
      }
      if (type == String.class && value instanceof String) {
        return text;
      }
      if (type == Path.class && value instanceof String) {
        return path(text, node);
      }
      if (type == Validation.class && value instanceof Number number) {
        return new Validation.Fraction(number.doubleValue());
      }
      if (type == Validation.class && value instanceof String) {
        return new Validation.File(path(text, node));
      }
    }
    throw expected(expectation(), node);
  }

  private long whole(YamlNode node, long minimum, long maximum) {
    if (node instanceof Scalar(Long value, _, _) && value >= minimum && value <= maximum) {
      return value;
    }
    boolean tooLarge =
        node instanceof Scalar(Object value, _, _)
            && (value instanceof Long || value instanceof BigInteger);
    throw expected(
        tooLarge ? "a whole number from " + minimum + " to " + maximum : expectation(), node);
  }

  private List<?> items(YamlNode node) {
    if (!(node instanceof Items(List<YamlNode> nodes, _))) {
      throw expected(expectation(), node);
    }
    RecipeValue item = ofArgument(0);
    List<Object> items = new ArrayList<>();
    for (YamlNode element : nodes) {
      try {
        items.add(item.read(element));
      } catch (ConfigException broken) {
        String where = item.type.isRecord() ? " (entry " + (items.size() + 1) + ")" : "";
        throw new ConfigException(
            key, broken.problems().stream().map(problem -> problem + where).toList());
      }
    }
    return List.copyOf(items);
  }

  private Map<String, ?> map(YamlNode node) {
    if (!(node instanceof Fields(var fields, _))) {
      throw expected(expectation(), node);
    }
    RecipeValue item = ofArgument(1);
    Map<String, Object> map = new LinkedHashMap<>();
    fields.forEach((name, field) -> map.put(name, item.under(key + " " + name).read(field.node())));
    return map;
  }

  private ModuleSelection selection(YamlNode node) {
    if (node instanceof Scalar(String text, _, _)) {
      return new ModuleSelection.Text(text);
    }
    if (!(node instanceof Items(List<YamlNode> nodes, _))) {
      throw expected(expectation(), node);
    }
    RecipeValue name = new RecipeValue(String.class, String.class, key);
    return ModuleSelection.of(
        nodes.stream()
            .map(item -> {
              if (item instanceof Scalar(String _, _, _)) {
                return (String) name.read(item);
              }
              throw expected("a list of names", item);
            })
            .toList());
  }

  private InitLoraWeights start(YamlNode node) {
    if (node instanceof Scalar(Object value, String text, _)
        && (value instanceof String || value instanceof Boolean)) {
      Optional<InitLoraWeights> start = InitLoraWeights.of(text);
      if (start.isPresent()) {
        return start.get();
      }
      requireNotReserved(text, InitLoraWeights.SPELLINGS);
    }
    throw expected(expectation(), node);
  }

  private void requireNotReserved(String text, String available) {
    if (RecipeKeys.RESERVED_VALUES.getOrDefault(key, Set.of()).contains(text)) {
      throw new ConfigException(
          key + ": " + text + " is not available yet; available: " + available);
    }
  }

  /** The reader of the elements of a list or the values of a map. */
  private RecipeValue ofArgument(int index) {
    Class<?> inner = (Class<?>) ((ParameterizedType) generic).getActualTypeArguments()[index];
    return new RecipeValue(inner, inner, key);
  }

  private RecipeValue under(String otherKey) {
    return new RecipeValue(type, generic, otherKey);
  }

  private Object choice(YamlNode node) {
    if (node instanceof Scalar(String text, _, _)) {
      for (Object constant : type.getEnumConstants()) {
        if (((Choice) constant).spelling().equals(text)) {
          return constant;
        }
      }
      requireNotReserved(text, spellings());
    }
    throw expected(expectation(), node);
  }

  private Path path(String text, YamlNode node) {
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw new ConfigException(key + " must be a file path, found " + node.words());
    }
  }

  private String expectation() {
    if (type.isEnum()) {
      return "one of " + spellings();
    }
    return switch (type.getSimpleName()) {
      case "int", "long", "Integer" -> "a whole number";
      case "OptionalInt" -> "a whole number or null";
      case "double", "Double" -> "a number";
      case "OptionalDouble" -> "a number or null";
      case "boolean" -> "true or false";
      case "List" ->
          ofArgument(0).type.isRecord()
              ? "a list of sections such as [{path: a.jsonl, weight: 2}]"
              : ofArgument(0).type == Integer.class
                  ? "a list of whole numbers such as [0, 1]"
                  : "a list of names such as [lm_head]";
      case "Map" ->
          ofArgument(1).type == String.class
              ? "names with names such as {prompt: question}"
              : "names with numbers such as {q_proj: 4}";
      case "InitLoraWeights" -> "one of " + InitLoraWeights.SPELLINGS;
      case "MicroBatchSize" -> "a whole number or " + MicroBatchSize.AUTO;
      case "ModuleSelection" -> moduleExpectation();
      case "Validation" -> "a share from 0 to below 1 or the path of a file";
      case "Path" -> "a path";
      default -> "a text";
    };
  }

  private String moduleExpectation() {
    return key.equals("adapter.target_modules")
        ? "all-linear, attention, mlp, qv, an expression, or a list of layer names such as"
            + " [q_proj, v_proj]"
        : "a list of names such as [q_proj, v_proj], or an expression";
  }

  private String spellings() {
    return Arrays.stream(type.getEnumConstants())
        .map(constant -> ((Choice) constant).spelling())
        .collect(Collectors.joining(", "));
  }

  private ConfigException expected(String expectation, YamlNode found) {
    return new ConfigException(key + " must be " + expectation + ", found " + found.words());
  }

  private boolean optional() {
    return type == Optional.class || type == OptionalInt.class || type == OptionalDouble.class;
  }

  private Object emptyOptional() {
    if (type == OptionalDouble.class) {
      return OptionalDouble.empty();
    }
    return type == OptionalInt.class ? OptionalInt.empty() : Optional.empty();
  }

  private static void badDefault(Problem problem) {
    throw new IllegalStateException("a default is not YAML: " + problem.text());
  }
}
