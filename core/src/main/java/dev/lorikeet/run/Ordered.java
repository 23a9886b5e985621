package dev.lorikeet.run;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** Unmodifiable copies that keep the order, which {@link Map#copyOf} does not. */
final class Ordered {
  private Ordered() {}

  static Map<String, Object> copy(Map<String, ?> map) {
    return Collections.unmodifiableMap(new LinkedHashMap<>(map));
  }
}
