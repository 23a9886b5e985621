package dev.lorikeet.config;

import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.Map;
import java.util.function.BiPredicate;
import java.util.stream.Collectors;

/**
 * Keys that mean something only beside certain values of another key. One that is not at its
 * default and would do nothing is a mistake.
 *
 * @param type record that the keys are components of
 * @param section their section in a recipe
 * @param check where mistakes are added
 */
record ChosenKeys(Class<? extends Record> type, String section, Check check) {

  /**
   * Refuses the changed keys that some value of {@code chooser} uses, but not {@code choice}.
   *
   * @param chosen values by the name of their component
   */
  <E extends Enum<E> & Choice> ChosenKeys refuseUnused(
      String chooser, E choice, BiPredicate<E, String> uses, Map<String, Object> chosen) {
    for (RecordComponent component : type.getRecordComponents()) {
      String name = component.getName();
      Object value = chosen.get(name);
      if (value == null || uses.test(choice, name) || isDefault(component, value)) {
        continue;
      }
      String users =
          Arrays.stream(choice.getDeclaringClass().getEnumConstants())
              .filter(other -> uses.test(other, name))
              .map(Choice::spelling)
              .collect(Collectors.joining(" or "));
      check.require(
          users.isEmpty(),
          "%s has no effect with %s: %s; leave it out, or set %s to %s"
              .formatted(key(component), chooser, choice.spelling(), chooser, users));
    }
    return this;
  }

  /** Refuses two keys that say the same thing, both changed. */
  ChosenKeys refuseBoth(String one, Object oneValue, String other, Object otherValue) {
    check.require(
        isDefault(component(one), oneValue) || isDefault(component(other), otherValue),
        "%s and %s both say how long it is; leave one of them out"
            .formatted(key(component(one)), key(component(other))));
    return this;
  }

  private RecordComponent component(String name) {
    return Arrays.stream(type.getRecordComponents())
        .filter(component -> component.getName().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private String key(RecordComponent component) {
    return RecipeKeys.path(section, RecipeKeys.key(component));
  }

  private boolean isDefault(RecordComponent component, Object value) {
    return new RecipeValue(component.getType(), component.getGenericType(), key(component))
        .standIn(component)
        .equals(value);
  }
}
