package dev.lorikeet.metric;

import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Porter's stemmer with the extensions of NLTK, which ROUGE's reference uses: irregular words,
 * short words in -ies and -ied, -y behind a consonant only, -alli, -fulli and -logi.
 *
 * <p>A word is C?(VC)ᵐV?, runs of consonants C and vowels V; rules ask for the measure m of what is
 * left before a suffix. A y is a consonant at the beginning and behind a vowel.
 *
 * @see <a href="https://doi.org/10.1108/eb046814">Porter 1980, An algorithm for suffix
 *     stripping</a>
 * @see <a href="https://www.nltk.org/api/nltk.stem.porter.html">nltk.stem.porter,
 *     NLTK_EXTENSIONS</a>
 */
final class PorterStemmer {
  private static final Map<String, String> IRREGULAR =
      Map.ofEntries(
          Map.entry("skies", "sky"),
          Map.entry("sky", "sky"),
          Map.entry("dying", "die"),
          Map.entry("lying", "lie"),
          Map.entry("tying", "tie"),
          Map.entry("news", "news"),
          Map.entry("innings", "inning"),
          Map.entry("inning", "inning"),
          Map.entry("outings", "outing"),
          Map.entry("outing", "outing"),
          Map.entry("cannings", "canning"),
          Map.entry("canning", "canning"),
          Map.entry("howe", "howe"),
          Map.entry("proceed", "proceed"),
          Map.entry("exceed", "exceed"),
          Map.entry("succeed", "succeed"));

  /** A suffix, what replaces it, and what has to hold for the rest; the first that fits decides. */
  private record Rule(String suffix, String replacement, Predicate<String> condition) {}

  private static final List<Rule> PLURALS =
      List.of(always("sses", "ss"), always("ies", "i"), always("ss", "ss"), always("s", ""));

  private static final List<Rule> STEP_2 =
      List.of(
          measured("ational", "ate"),
          measured("tional", "tion"),
          measured("enci", "ence"),
          measured("anci", "ance"),
          measured("izer", "ize"),
          measured("bli", "ble"),
          measured("alli", "al"),
          measured("entli", "ent"),
          measured("eli", "e"),
          measured("ousli", "ous"),
          measured("ization", "ize"),
          measured("ation", "ate"),
          measured("ator", "ate"),
          measured("alism", "al"),
          measured("iveness", "ive"),
          measured("fulness", "ful"),
          measured("ousness", "ous"),
          measured("aliti", "al"),
          measured("iviti", "ive"),
          measured("biliti", "ble"),
          measured("fulli", "ful"),
          // The l counts as part of the stem, so that geologi is one as archaeologi is.
          new Rule("logi", "log", stem -> measure(stem + "l") > 0));

  private static final List<Rule> STEP_3 =
      List.of(
          measured("icate", "ic"),
          measured("ative", ""),
          measured("alize", "al"),
          measured("iciti", "ic"),
          measured("ical", "ic"),
          measured("ful", ""),
          measured("ness", ""));

  private static final List<Rule> STEP_4 =
      List.of(
          afterLong("al"),
          afterLong("ance"),
          afterLong("ence"),
          afterLong("er"),
          afterLong("ic"),
          afterLong("able"),
          afterLong("ible"),
          afterLong("ant"),
          afterLong("ement"),
          afterLong("ment"),
          afterLong("ent"),
          new Rule("ion", "", stem -> measure(stem) > 1 && endsWithAny(stem, "st")),
          afterLong("ou"),
          afterLong("ism"),
          afterLong("ate"),
          afterLong("iti"),
          afterLong("ous"),
          afterLong("ive"),
          afterLong("ize"));

  private PorterStemmer() {}

  private static Rule always(String suffix, String replacement) {
    return new Rule(suffix, replacement, stem -> true);
  }

  private static Rule measured(String suffix, String replacement) {
    return new Rule(suffix, replacement, stem -> measure(stem) > 0);
  }

  private static Rule afterLong(String suffix) {
    return new Rule(suffix, "", stem -> measure(stem) > 1);
  }

  /** The stem of a word in lower case. */
  static String stem(String word) {
    String irregular = IRREGULAR.get(word);
    if (irregular != null) {
      return irregular;
    }
    if (word.length() <= 2) {
      return word;
    }
    String stem = pastAndGerund(plural(word));
    stem = finalY(stem);
    stem = step2(stem);
    stem = applied(STEP_4, applied(STEP_3, stem));
    stem = finalE(stem);
    return stem.endsWith("ll") && measure(cut(stem, 1)) > 1 ? cut(stem, 1) : stem;
  }

  private static String plural(String word) {
    return word.endsWith("ies") && word.length() == 4 ? cut(word, 1) : applied(PLURALS, word);
  }

  private static String pastAndGerund(String word) {
    if (word.endsWith("ied")) {
      return cut(word, word.length() == 4 ? 1 : 2);
    }
    if (word.endsWith("eed")) {
      return measure(cut(word, 3)) > 0 ? cut(word, 1) : word;
    }
    for (String suffix : List.of("ed", "ing")) {
      if (word.endsWith(suffix) && hasVowel(cut(word, suffix.length()))) {
        return mended(cut(word, suffix.length()));
      }
    }
    return word;
  }

  /** What -ed or -ing left: conflat(e), hopp → hop, fil(e). */
  private static String mended(String stem) {
    if (stem.endsWith("at") || stem.endsWith("bl") || stem.endsWith("iz")) {
      return stem + "e";
    }
    int last = stem.length() - 1;
    if (last >= 1 && stem.charAt(last) == stem.charAt(last - 1) && isConsonant(stem, last)) {
      return endsWithAny(stem, "lsz") ? stem : cut(stem, 1);
    }
    return measure(stem) == 1 && endsConsonantVowelConsonant(stem) ? stem + "e" : stem;
  }

  private static String finalY(String word) {
    String stem = cut(word, 1);
    boolean behindConsonant = stem.length() > 1 && isConsonant(stem, stem.length() - 1);
    return word.endsWith("y") && behindConsonant ? stem + "i" : word;
  }

  private static String step2(String word) {
    return word.endsWith("alli") && measure(cut(word, 4)) > 0
        ? step2(cut(word, 2))
        : applied(STEP_2, word);
  }

  private static String finalE(String word) {
    if (!word.endsWith("e")) {
      return word;
    }
    String stem = cut(word, 1);
    int measure = measure(stem);
    return measure > 1 || (measure == 1 && !endsConsonantVowelConsonant(stem)) ? stem : word;
  }

  private static String applied(List<Rule> rules, String word) {
    for (Rule rule : rules) {
      if (word.endsWith(rule.suffix)) {
        String stem = cut(word, rule.suffix.length());
        return rule.condition.test(stem) ? stem + rule.replacement : word;
      }
    }
    return word;
  }

  private static String cut(String word, int letters) {
    return word.substring(0, word.length() - letters);
  }

  private static boolean endsWithAny(String stem, String letters) {
    return !stem.isEmpty() && letters.indexOf(stem.charAt(stem.length() - 1)) >= 0;
  }

  /** Number of times that a consonant follows a vowel. */
  private static int measure(String stem) {
    int measure = 0;
    boolean afterVowel = false;
    boolean consonant = false;
    for (int i = 0; i < stem.length(); i++) {
      consonant = isConsonant(stem.charAt(i), i == 0 || !consonant);
      measure += consonant && afterVowel ? 1 : 0;
      afterVowel = !consonant;
    }
    return measure;
  }

  private static boolean hasVowel(String stem) {
    boolean consonant = false;
    for (int i = 0; i < stem.length(); i++) {
      consonant = isConsonant(stem.charAt(i), i == 0 || !consonant);
      if (!consonant) {
        return true;
      }
    }
    return false;
  }

  private static boolean isConsonant(String word, int at) {
    boolean consonant = false;
    for (int i = 0; i <= at; i++) {
      consonant = isConsonant(word.charAt(i), i == 0 || !consonant);
    }
    return consonant;
  }

  /** {@code behindVowel} holds at the beginning of a word, too. */
  private static boolean isConsonant(char letter, boolean behindVowel) {
    return letter == 'y' ? behindVowel : "aeiou".indexOf(letter) < 0;
  }

  /** As hop and fil, but not with w, x, y at the end; of two letters a vowel and a consonant. */
  private static boolean endsConsonantVowelConsonant(String word) {
    int last = word.length() - 1;
    if (last < 1 || isConsonant(word, last - 1) || !isConsonant(word, last)) {
      return false;
    }
    return last == 1 || (isConsonant(word, last - 2) && !endsWithAny(word, "wxy"));
  }
}
