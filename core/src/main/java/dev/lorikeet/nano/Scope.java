package dev.lorikeet.nano;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Fills the slots of a {@link Grammar}'s templates for one document and remembers the named ones,
 * so that a name, thing or number comes back unchanged wherever the document mentions it again.
 */
final class Scope {
  private static final int ATTEMPTS = 20;
  private static final String LABEL_ARROW = "=>";

  private final Grammar grammar;
  private final Dice dice;
  private final Map<String, String> named = new HashMap<>();
  private final Set<String> taken = new HashSet<>();

  Scope(Grammar grammar, Dice dice) {
    this.grammar = grammar;
    this.dice = dice;
  }

  Dice dice() {
    return dice;
  }

  Grammar grammar() {
    return grammar;
  }

  /** A random template of the list {@code symbol}, filled. */
  String expand(String symbol) {
    return fill(dice.pick(grammar.templates(symbol)));
  }

  /** Forgets what the named slots stand for; their old texts still stay taken. */
  void forgetNames() {
    named.clear();
  }

  /** The template with every slot filled. */
  String fill(String template) {
    int open = template.indexOf('<');
    if (open < 0) {
      return template;
    }
    var text = new StringBuilder();
    int from = 0;
    while (open >= 0) {
      int close = template.indexOf('>', open);
      if (close < 0) {
        throw new IllegalStateException("a slot without end in template: " + template);
      }
      text.append(template, from, open).append(slot(template.substring(open + 1, close)));
      from = close + 1;
      open = template.indexOf('<', from);
    }
    return text.append(template, from, template.length()).toString();
  }

  private String slot(String slot) {
    if (slot.startsWith("^")) {
      String text = slot(slot.substring(1));
      return Character.toUpperCase(text.charAt(0)) + text.substring(1);
    }
    if (slot.startsWith("a ")) {
      String text = slot(slot.substring(2));
      return ("aeiou".indexOf(text.charAt(0)) >= 0 ? "an " : "a ") + text;
    }
    int dot = slot.indexOf('.');
    if (dot < 0) {
      return phrase(fresh(slot));
    }
    boolean labelAsked = slot.endsWith("!");
    String name = labelAsked ? slot.substring(0, slot.length() - 1) : slot;
    String known = named.get(name);
    if (known == null) {
      known = unused(name.substring(0, dot));
      named.put(name, known);
    }
    return labelAsked ? label(known) : phrase(known);
  }

  private static String phrase(String choice) {
    int arrow = choice.indexOf(LABEL_ARROW);
    return arrow < 0 ? choice : choice.substring(0, arrow);
  }

  private static String label(String choice) {
    int arrow = choice.indexOf(LABEL_ARROW);
    if (arrow < 0) {
      throw new IllegalStateException("a label is asked of a choice without one: " + choice);
    }
    return choice.substring(arrow + LABEL_ARROW.length());
  }

  private String unused(String symbol) {
    String text = fresh(symbol);
    for (int i = 0; i < ATTEMPTS && !taken.add(text); i++) {
      text = fresh(symbol);
    }
    return text;
  }

  private String fresh(String symbol) {
    if (symbol.length() > 1 && Character.isDigit(symbol.charAt(1))) {
      int size = Integer.parseInt(symbol.substring(1));
      return symbol.charAt(0) == 'd' ? dice.digits(size) : Integer.toString(dice.between(2, size));
    }
    return expand(symbol);
  }
}
