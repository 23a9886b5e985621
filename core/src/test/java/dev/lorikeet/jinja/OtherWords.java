package dev.lorikeet.jinja;

import java.util.Set;

/** Templates whose failure is told in other words than Python's, which says less. */
final class OtherWords {
  private static final Set<String> TEMPLATES = Set.of();

  private OtherWords() {}

  static boolean has(String template) {
    return TEMPLATES.contains(template);
  }
}
