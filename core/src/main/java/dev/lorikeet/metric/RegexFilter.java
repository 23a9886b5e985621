package dev.lorikeet.metric;

import dev.lorikeet.error.ConfigException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The part of an answer that an expression matches, as lm-evaluation-harness' {@code RegexFilter}
 * finds it: of all matches one is chosen; with one group in the expression it is that group's text,
 * with several the first group that is not empty; white space around it is removed. Where nothing
 * matches, or all of several groups are empty, it is the fall-back.
 *
 * @see <a href="https://github.com/EleutherAI/lm-evaluation-harness">lm_eval.filters.extraction</a>
 */
final class RegexFilter {
  /** The harness's fall-back. */
  static final String INVALID = "[invalid]";

  private final Pattern pattern;
  private final int match;
  private final String fallback;

  /**
   * @param match which match counts, from 0; negative ones count from the last, −1
   */
  RegexFilter(Pattern pattern, int match, String fallback) {
    this.pattern = pattern;
    this.match = match;
    this.fallback = fallback;
  }

  /** The chosen part of {@code text}. Matches that are not there give the fall-back. */
  String apply(String text) {
    List<String> found = matches(text);
    int at = match < 0 ? found.size() + match : match;
    return at < 0 || at >= found.size() ? fallback : found.get(at);
  }

  private List<String> matches(String text) {
    List<String> found = new ArrayList<>();
    Matcher matcher = pattern.matcher(text);
    try {
      while (matcher.find()) {
        found.add(PythonText.strip(chosen(matcher)));
      }
    } catch (StackOverflowError tooDeep) {
      throw new ConfigException(
          "The expression "
              + pattern
              + " cannot be applied to an answer of "
              + text.length()
              + " characters: it repeats a group too often; write [ab]* instead of (a|b)*");
    }
    return found;
  }

  private String chosen(Matcher matcher) {
    if (matcher.groupCount() == 0) {
      return matcher.group();
    }
    if (matcher.groupCount() == 1) {
      return matcher.group(1) == null ? "" : matcher.group(1);
    }
    for (int group = 1; group <= matcher.groupCount(); group++) {
      String text = matcher.group(group);
      if (text != null && !text.isEmpty()) {
        return text;
      }
    }
    return fallback;
  }
}
