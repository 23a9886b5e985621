package dev.lorikeet.judge;

import dev.lorikeet.judge.PairwiseJudge.Opinion;
import dev.lorikeet.judge.PairwiseJudge.Preference;
import dev.lorikeet.stat.Estimate;
import dev.lorikeet.stat.Estimates;
import dev.lorikeet.stat.PairedTests;
import java.util.List;
import java.util.Optional;

/**
 * What a judge prefers over many pairs.
 *
 * @param first pairs whose first answer won in both orders
 * @param second pairs whose second answer won in both orders
 * @param ties pairs that were tied in both orders, or whose orders disagreed
 * @param unreadable pairs without a verdict, which do not count
 * @param winRate of the second answers, a tie counting half; empty where no pair counts
 * @param pValue of the sign test of second against first: the probability of so uneven a result
 *     between equals; ties do not count
 * @param consistency share of pairs whose orders agree; empty where no pair counts
 */
public record PreferenceSummary(
    int first,
    int second,
    int ties,
    int unreadable,
    Optional<Estimate> winRate,
    double pValue,
    Optional<Estimate> consistency) {

  /** The summary of {@code opinions}, with intervals of {@code level}. */
  public static PreferenceSummary of(List<Opinion> opinions, double level) {
    List<Opinion> readable = opinions.stream().filter(Opinion::isReadable).toList();
    int first = count(readable, Preference.FIRST);
    int second = count(readable, Preference.SECOND);
    int agreed = (int) readable.stream().filter(Opinion::isConsistent).count();
    double[] won = readable.stream().mapToDouble(opinion -> points(opinion.preference())).toArray();
    boolean any = !readable.isEmpty();
    return new PreferenceSummary(
        first,
        second,
        readable.size() - first - second,
        opinions.size() - readable.size(),
        any ? Optional.of(Estimates.mean(won, level)) : Optional.empty(),
        PairedTests.mcNemar(first, second),
        any ? Optional.of(Estimates.proportion(agreed, readable.size(), level)) : Optional.empty());
  }

  private static int count(List<Opinion> opinions, Preference preference) {
    return (int)
        opinions.stream()
            .filter(opinion -> opinion.preference().equals(Optional.of(preference)))
            .count();
  }

  private static double points(Optional<Preference> preference) {
    return switch (preference.orElse(Preference.TIE)) {
      case FIRST -> 0;
      case SECOND -> 1;
      case TIE -> 0.5;
    };
  }
}
