package dev.lorikeet.cli;

import java.util.regex.Pattern;

/** Text as one word of a shell's command, for commands that the user may copy. */
final class ShellWord {
  private static final Pattern PLAIN = Pattern.compile("[\\w./:@%+=,-]+");

  private ShellWord() {}

  /** The text itself, or in apostrophes if a shell would read it differently. */
  static String of(String text) {
    return PLAIN.matcher(text).matches() ? text : "'" + text.replace("'", "'\\''") + "'";
  }
}
