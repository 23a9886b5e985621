package dev.lorikeet.judge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.judge.PairwiseJudge.Opinion;
import dev.lorikeet.judge.PairwiseJudge.Pair;
import dev.lorikeet.judge.PairwiseJudge.Preference;
import dev.lorikeet.stat.Estimate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Preferences between two answers. */
class PairwiseJudgeTest {

  @Test
  void aJudgeOfContentPrefersTheSameAnswerInBothOrders() {
    // Prefers the answer that holds "good", wherever it stands.
    Scripted judge =
        new Scripted(
            "s",
            asked ->
                asked.get(1).content().indexOf("good")
                        < asked.get(1).content().indexOf("</answer_a>")
                    ? "{\"winner\":\"A\"}"
                    : "{\"winner\":\"B\"}");
    Opinion second = compare(judge, "bad", "good");
    assertEquals(Optional.of(Preference.SECOND), second.preference());
    assertTrue(second.isConsistent());
    assertEquals(Optional.of(Preference.FIRST), compare(judge, "good", "bad").preference());
    List<String> shown = judge.asked().stream().map(asked -> asked.get(1).content()).toList();
    assertEquals(
        "<question>\nWhy?\n</question>\n<answer_a>\nbad\n</answer_a>\n<answer_b>\ngood\n</answer_b>\n",
        shown.get(0));
    assertTrue(shown.get(1).contains("<answer_a>\ngood\n</answer_a>"), shown.get(1));
  }

  @Test
  void aJudgeOfPositionsGivesTies() {
    Opinion opinion = compare(Scripted.saying("{\"winner\":\"A\"}"), "x", "y");
    assertEquals(Optional.of(Preference.TIE), opinion.preference());
    assertFalse(opinion.isConsistent());
    Opinion tie = compare(Scripted.saying("{\"winner\":\"tie\"}"), "x", "y");
    assertEquals(Optional.of(Preference.TIE), tie.preference());
    assertTrue(tie.isConsistent());
  }

  @Test
  void aTieInOneOrderAgainstAWinInTheOtherIsATie() {
    List<String> replies = new ArrayList<>(List.of("{\"winner\":\"tie\"}", "{\"winner\":\"A\"}"));
    Opinion opinion = compare(new Scripted("s", _ -> replies.removeFirst()), "x", "y");
    assertEquals(Optional.of(Preference.TIE), opinion.preference());
    assertFalse(opinion.isConsistent());
  }

  @Test
  void anUnreadableVerdictIsNoTie() {
    Opinion opinion = compare(Scripted.saying("{\"winner\":\"a\"}"), "x", "y");
    assertEquals(Optional.empty(), opinion.preference());
    assertFalse(opinion.isConsistent());
  }

  @Test
  void summariesCountWinsTiesAndPositions() {
    Verdict<Preference> first = new Verdict.Given<>(Preference.FIRST, "");
    Verdict<Preference> second = new Verdict.Given<>(Preference.SECOND, "");
    Verdict<Preference> tie = new Verdict.Given<>(Preference.TIE, "");
    Verdict<Preference> none = new Verdict.Unreadable<>("?", "it is not one JSON object");
    List<Opinion> opinions = new ArrayList<>();
    for (int i = 0; i < 7; i++) {
      opinions.add(opinion(second, second));
    }
    opinions.add(opinion(first, first));
    opinions.add(opinion(tie, tie));
    opinions.add(opinion(first, second));
    opinions.add(opinion(second, none));
    PreferenceSummary summary = PreferenceSummary.of(opinions, 0.95);
    assertEquals(1, summary.first());
    assertEquals(7, summary.second());
    assertEquals(2, summary.ties());
    assertEquals(1, summary.unreadable());
    assertEquals(0.8, summary.winRate().map(Estimate::value).orElseThrow(), 1e-15);
    assertEquals(0.9, summary.consistency().map(Estimate::value).orElseThrow(), 1e-15);
    // Two-sided: 2·(1 + 8)/2⁸.
    assertEquals(18 / 256.0, summary.pValue(), 1e-12);
  }

  @Test
  void aSummaryOfNothingHasNoRates() {
    PreferenceSummary empty = PreferenceSummary.of(List.of(), 0.95);
    assertEquals(Optional.empty(), empty.winRate());
    assertEquals(Optional.empty(), empty.consistency());
    assertEquals(1, empty.pValue());
  }

  private static Opinion compare(ChatModel judge, String first, String second) {
    return new PairwiseJudge(judge, PairwiseJudge.BETTER)
        .compare(new Pair("1", "Why?", first, second));
  }

  private static Opinion opinion(Verdict<Preference> shown, Verdict<Preference> swapped) {
    return new Opinion(new Pair("1", "p", "x", "y"), shown, swapped);
  }
}
