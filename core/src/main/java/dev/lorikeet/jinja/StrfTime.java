package dev.lorikeet.jinja;

import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoField;
import java.time.temporal.IsoFields;
import java.util.Locale;

/** Python's {@code strftime} in the C locale. */
final class StrfTime {
  private StrfTime() {}

  /** Now, written as {@code format} says; what is unknown stays as it is written. */
  static String format(String format, Execution execution) {
    // datetime.now() has no zone, so %z and %Z give nothing.
    ZonedDateTime now = ZonedDateTime.now(execution.clock());
    StringBuilder made = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || i + 1 == format.length()) {
        made.append(c);
        continue;
      }
      char flag = format.charAt(++i);
      if ((flag == '-' || flag == '_' || flag == '0') && i + 1 < format.length()) {
        char letter = format.charAt(++i);
        made.append(padded(field(letter, now), flag));
      } else {
        made.append(field(flag, now));
      }
      execution.budget().spend(4);
    }
    return made.toString();
  }

  private static String padded(String field, char flag) {
    String bare = field.replaceFirst("^[0 ]+(?=\\d)", "");
    return switch (flag) {
      case '-' -> bare;
      case '_' -> " ".repeat(field.length() - bare.length()) + bare;
      default -> "0".repeat(field.length() - bare.length()) + bare;
    };
  }

  private static String field(char letter, ZonedDateTime now) {
    return switch (letter) {
      case 'Y' -> Integer.toString(now.getYear());
      case 'y' -> two(now.getYear() % 100);
      case 'C' -> two(now.getYear() / 100);
      case 'm' -> two(now.getMonthValue());
      case 'd' -> two(now.getDayOfMonth());
      case 'e' -> "%2d".formatted(now.getDayOfMonth());
      case 'H' -> two(now.getHour());
      case 'I' -> two(now.get(ChronoField.CLOCK_HOUR_OF_AMPM));
      case 'k' -> "%2d".formatted(now.getHour());
      case 'l' -> "%2d".formatted(now.get(ChronoField.CLOCK_HOUR_OF_AMPM));
      case 'M' -> two(now.getMinute());
      case 'S' -> two(now.getSecond());
      case 'f' -> "%06d".formatted(now.getNano() / 1000);
      case 'j' -> "%03d".formatted(now.getDayOfYear());
      case 'u' -> Integer.toString(now.getDayOfWeek().getValue());
      case 'w' -> Integer.toString(now.getDayOfWeek().getValue() % 7);
      case 'V' -> two(now.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR));
      case 'G' -> Integer.toString(now.get(IsoFields.WEEK_BASED_YEAR));
      case 'U' -> two((now.getDayOfYear() + 6 - now.getDayOfWeek().getValue() % 7) / 7);
      case 'W' -> two((now.getDayOfYear() + 6 - (now.getDayOfWeek().getValue() + 6) % 7) / 7);
      case 's' -> Long.toString(now.toEpochSecond());
      case 'a' -> words("EEE", now);
      case 'A' -> words("EEEE", now);
      case 'b', 'h' -> words("MMM", now);
      case 'B' -> words("MMMM", now);
      case 'p' -> words("a", now);
      case 'P' -> words("a", now).toLowerCase(Locale.ROOT);
      case 'c' -> words("EEE MMM ", now) + field('e', now) + words(" HH:mm:ss yyyy", now);
      case 'D', 'x' -> words("MM/dd/yy", now);
      case 'F' -> words("yyyy-MM-dd", now);
      case 'R' -> words("HH:mm", now);
      case 'T', 'X' -> words("HH:mm:ss", now);
      default -> sign(letter);
    };
  }

  private static String sign(char letter) {
    return switch (letter) {
      case 'n' -> "\n";
      case 't' -> "\t";
      case 'z', 'Z' -> "";
      case '%' -> "%";
      default -> "%" + letter;
    };
  }

  private static String two(int number) {
    return "%02d".formatted(number);
  }

  private static String words(String pattern, ZonedDateTime now) {
    return DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(now);
  }
}
