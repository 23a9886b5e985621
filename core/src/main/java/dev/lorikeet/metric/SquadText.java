package dev.lorikeet.metric;

import java.util.Locale;
import java.util.regex.Pattern;

/**
 * SQuAD's normal form of an answer: lower case, without ASCII punctuation, articles and superfluous
 * white space.
 */
final class SquadText {
  /** Python's {@code \b}: no letter, number or underscore on the other side; accents end a word. */
  private static final Pattern ARTICLES =
      Pattern.compile("(?<![\\p{L}\\p{N}_])(?:a|an|the)(?![\\p{L}\\p{N}_])");

  private SquadText() {}

  static String normalized(String text) {
    String plain = PythonText.without(text.toLowerCase(Locale.ROOT), PythonText.PUNCTUATION);
    return String.join(" ", PythonText.split(ARTICLES.matcher(plain).replaceAll(" ")));
  }
}
