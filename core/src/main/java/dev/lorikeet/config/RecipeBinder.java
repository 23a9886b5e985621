package dev.lorikeet.config;

import dev.lorikeet.config.YamlNode.Field;
import dev.lorikeet.config.YamlNode.Fields;
import dev.lorikeet.config.YamlNode.Place;
import dev.lorikeet.error.ConfigException;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Turns nodes into the records of a {@link RunConfig}, which are the only list of keys, types and
 * defaults. A value that cannot be read is a problem and its default stands in, so that the rules
 * of the other values are still checked.
 */
final class RecipeBinder {
  private final List<Problem> problems;
  private final Map<String, Place> placeOfKey = new HashMap<>();
  private final Set<String> unreadable = new HashSet<>();

  RecipeBinder(List<Problem> problems) {
    this.problems = problems;
  }

  /** The configuration; empty if a problem was added. */
  Optional<RunConfig> bind(Fields root) {
    return record(RunConfig.class, "", root);
  }

  /**
   * A record that stands in a list.
   *
   * @param key of the list
   * @throws ConfigException with every problem
   */
  static <R extends Record> R item(Class<R> type, String key, YamlNode node) {
    if (!(node instanceof Fields fields)) {
      throw new ConfigException(
          key + " must hold sections such as {path: a.jsonl, weight: 2}, found " + node.words());
    }
    List<Problem> problems = new ArrayList<>();
    Optional<R> built = new RecipeBinder(problems).record(type, key, fields);
    if (problems.isEmpty() && built.isPresent()) {
      return built.get();
    }
    throw new ConfigException(key, problems.stream().map(Problem::text).toList());
  }

  private <R extends Record> Optional<R> record(Class<R> type, String prefix, Fields fields) {
    int problemsBefore = problems.size();
    RecordComponent[] components = type.getRecordComponents();
    Object[] values = new Object[components.length];
    boolean complete = true;
    Set<String> known = new HashSet<>();
    for (int i = 0; i < components.length; i++) {
      String key = RecipeKeys.key(components[i]);
      known.add(key);
      Optional<?> value =
          component(
              components[i],
              RecipeKeys.path(prefix, key),
              Optional.ofNullable(fields.fields().get(key)));
      complete &= value.isPresent();
      values[i] = value.orElse(null);
    }
    fields.fields().forEach((key, field) -> refuseUnknown(prefix, key, known, field));
    if (!complete) {
      return Optional.empty();
    }
    Optional<R> built = construct(type, values);
    return problems.size() == problemsBefore ? built : Optional.empty();
  }

  private Optional<?> component(RecordComponent component, String key, Optional<Field> field) {
    field.ifPresent(f -> placeOfKey.put(key, f.place()));
    if (component.getType().isRecord()) {
      return record(component.getType().asSubclass(Record.class), key, section(key, field));
    }
    RecipeValue reader = new RecipeValue(component.getType(), component.getGenericType(), key);
    if (field.isPresent()) {
      try {
        return Optional.of(reader.read(field.get().node()));
      } catch (ConfigException e) {
        Place place = field.get().place();
        e.problems().forEach(text -> problems.add(new Problem(place, text)));
        unreadable.add(key);
      }
    } else if (reader.required(component)) {
      problems.add(new Problem(Problem.NOWHERE, key + " is missing; it has no default"));
    }
    return Optional.of(reader.standIn(component));
  }

  private Fields section(String key, Optional<Field> field) {
    Fields empty = new Fields(Map.of(), Problem.NOWHERE);
    return switch (field.map(Field::node).orElse(empty)) {
      case Fields fields -> fields;
      case YamlNode.Scalar scalar when scalar.value() == null -> empty;
      case YamlNode other -> {
        problems.add(
            new Problem(
                field.map(Field::place).orElse(other.place()),
                key + " must be a section with keys, found " + other.words()));
        yield empty;
      }
    };
  }

  private void refuseUnknown(String prefix, String key, Set<String> known, Field field) {
    if (known.contains(key)) {
      return;
    }
    String path = RecipeKeys.path(prefix, key);
    problems.add(
        new Problem(
            field.place(),
            RecipeKeys.RESERVED.contains(path)
                ? path + " is not available yet; leave it out"
                : path + " is unknown; " + RecipeKeys.suggestion(path)));
  }

  private <R extends Record> Optional<R> construct(Class<R> type, Object[] values) {
    try {
      Class<?>[] types =
          Arrays.stream(type.getRecordComponents())
              .map(RecordComponent::getType)
              .toArray(Class<?>[]::new);
      Constructor<R> constructor = type.getDeclaredConstructor(types);
      return Optional.of(constructor.newInstance(values));
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof ConfigException broken) {
        // What could not be read has a stand-in, about which there is nothing to say.
        broken.problems().stream()
            .filter(text -> !unreadable.contains(text.split(" ", 2)[0]))
            .forEach(text -> problems.add(new Problem(place(text), text)));
        return Optional.empty();
      }
      throw new IllegalStateException("cannot build " + type, e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("cannot build " + type, e);
    }
  }

  /** A record's problem names its keys; the first one that was given tells the line. */
  private Place place(String problem) {
    for (String word : problem.split("[ ,;:]+", -1)) {
      if (placeOfKey.containsKey(word)) {
        return placeOfKey.getOrDefault(word, Problem.NOWHERE);
      }
    }
    return Problem.NOWHERE;
  }
}
