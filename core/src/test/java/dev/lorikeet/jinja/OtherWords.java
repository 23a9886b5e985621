package dev.lorikeet.jinja;

import java.util.Set;

/**
 * Templates that fail as in Python, but are told so in other words: Python's name a line of the
 * code that jinja2 makes, a function inside of it, or a loader of files.
 */
final class OtherWords {
  private static final Set<String> TEMPLATES =
      Set.of(
          "{% macro f(a, a) %}{% endmacro %}",
          "{% break %}",
          "{% for a in [1] %}{% macro f() %}{% break %}{% endmacro %}{% endfor %}",
          "{% include 'x' %}",
          "{% extends 'x' %}",
          "{% import 'x' as y %}",
          "{% from 'x' import y %}",
          "{{ raise_exception() }}",
          "{{ f(a=1, a=2) }}",
          "{{ 'x' | join(',', nope=1) }}");

  private OtherWords() {}

  static boolean has(String template) {
    return TEMPLATES.contains(template);
  }
}
