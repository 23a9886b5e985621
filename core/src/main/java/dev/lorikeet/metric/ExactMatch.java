package dev.lorikeet.metric;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Whether the answer is one of the expected ones.
 *
 * <p>{@code normalize: none} compares texts as they are but for white space around them; {@code
 * squad} after lower case, without ASCII punctuation, the articles a, an, the, and with single
 * spaces; {@code harness} as lm-evaluation-harness, with white space: of both texts what the
 * expressions {@code regexes_to_ignore} match is removed, then case, punctuation and digits are
 * ignored if asked for, in this order.
 *
 * @see <a href="https://arxiv.org/abs/1606.05250">Rajpurkar et al. 2016, SQuAD</a> and its
 *     evaluation script 2.0
 * @see <a href="https://github.com/EleutherAI/lm-evaluation-harness">lm_eval.api.metrics,
 *     exact_match_hf_evaluate</a>
 */
final class ExactMatch implements Metric {
  private static final String DIGITS = "0123456789";

  /** What is done to both texts before they are compared. */
  enum Normalization {
    NONE,
    SQUAD,
    HARNESS
  }

  /** Texts that {@link Normalization#HARNESS} ignores. */
  enum Ignored {
    CASE,
    PUNCTUATION,
    NUMBERS
  }

  private final String name;
  private final Normalization normalization;
  private final Set<Ignored> ignored;
  private final List<Pattern> removed;

  ExactMatch(
      String name, Normalization normalization, Set<Ignored> ignored, List<Pattern> removed) {
    this.name = name;
    this.normalization = normalization;
    this.ignored = Set.copyOf(ignored);
    this.removed = List.copyOf(removed);
  }

  static ExactMatch plain(String name) {
    return new ExactMatch(name, Normalization.NONE, Set.of(), List.of());
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Aggregation aggregation() {
    return new Aggregation.Share();
  }

  @Override
  public ItemScore score(Item item) {
    String answer = normalized(item.generation());
    return ItemScore.right(
        item.references().stream().anyMatch(expected -> normalized(expected).equals(answer)));
  }

  private String normalized(String text) {
    return switch (normalization) {
      case NONE -> PythonText.strip(text);
      case SQUAD -> SquadText.normalized(text);
      case HARNESS -> harness(text);
    };
  }

  private String harness(String text) {
    String rest = text;
    for (Pattern pattern : removed) {
      Matcher matcher = pattern.matcher(rest);
      rest = matcher.replaceAll("");
    }
    if (ignored.contains(Ignored.CASE)) {
      rest = rest.toLowerCase(Locale.ROOT);
    }
    if (ignored.contains(Ignored.PUNCTUATION)) {
      rest = PythonText.without(rest, PythonText.PUNCTUATION);
    }
    return ignored.contains(Ignored.NUMBERS) ? PythonText.without(rest, DIGITS) : rest;
  }
}
