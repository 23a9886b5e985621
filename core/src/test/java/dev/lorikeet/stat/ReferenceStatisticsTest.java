package dev.lorikeet.stat;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lorikeet.metric.ReferenceCases;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * Agreement with SciPy, statsmodels, scikit-learn, NumPy and lm-evaluation-harness
 * (reference/metrics/make_statistics).
 */
class ReferenceStatisticsTest {
  /** A sum of 400 values of size 1 in another order: 400 · 2⁻⁵³, and a few roundings. */
  private static final double SUMS = 1e-13;

  /**
   * What the incomplete beta function loses in logarithms of gamma functions of 10⁵: 10⁶ · 2⁻⁵³.
   */
  private static final double BETA = 1e-10;

  @Test
  void distributionsAgree() {
    for (JsonNode one : cases("normal_cdf")) {
      // e^(−z²/2) at z = −37 makes of each rounding of the exponent, 684 · 2⁻⁵³, as much
      // relatively.
      close(one, Normal.cdf(number(one, "z")), "value", 4 * 684 * 0x1p-53);
    }
    for (JsonNode one : cases("normal_quantile")) {
      close(one, Normal.quantile(number(one, "p")), "value", 1e-12);
    }
    for (JsonNode one : cases("student_two_sided")) {
      close(one, StudentT.twoSided(number(one, "t"), number(one, "degrees")), "value", BETA);
    }
    for (JsonNode one : cases("student_reach")) {
      close(one, StudentT.reach(number(one, "level"), number(one, "degrees")), "value", BETA);
    }
    for (JsonNode one : cases("log_gamma")) {
      // Some roundings of (x − ½)·ln x, which is about 40 where the series begins.
      assertEquals(
          number(one, "value"),
          SpecialFunctions.logGamma(number(one, "x")),
          8 * 0x1p-53 * Math.max(40, Math.abs(number(one, "value"))));
    }
  }

  @Test
  void meansAgree() {
    for (JsonNode one : cases("mean")) {
      agree(one, Estimates.mean(numbers(one, "values"), 0.95), BETA);
    }
  }

  @Test
  void proportionsAgree() {
    for (JsonNode one : cases("proportion")) {
      Estimate estimate =
          Estimates.proportion(one.path("successes").asInt(), one.path("trials").asInt(), 0.95);
      close(one, interval(estimate).low(), "low", 1e-12);
      close(one, interval(estimate).high(), "high", 1e-12);
      assertEquals(number(one, "error"), estimate.standardError().orElse(-1), SUMS, one.toString());
    }
  }

  @Test
  void clusteredMeansAgree() {
    for (JsonNode one : cases("clustered")) {
      List<String> groups = new ArrayList<>();
      one.path("groups").forEach(group -> groups.add(group.asString()));
      agree(one, Estimates.clusteredMean(numbers(one, "values"), groups, 0.95), BETA);
    }
  }

  @Test
  void groupsOfTasksAgreeWithTheHarness() {
    for (JsonNode one : cases("group")) {
      List<Estimate> members = new ArrayList<>();
      for (int i = 0; i < one.path("sizes").size(); i++) {
        members.add(
            new Estimate(
                one.path("scores").get(i).asDouble(),
                one.path("sizes").get(i).asInt(),
                OptionalDouble.of(one.path("errors").get(i).asDouble()),
                Optional.empty(),
                0.95,
                Estimate.Method.STUDENT));
      }
      Estimate sized = Estimates.group(members, Estimates.Weighting.BY_SIZE, 0.95);
      close(one, sized.value(), "value", SUMS);
      close(one, sized.standardError().orElseThrow(), "error", SUMS);
      Estimate equal = Estimates.group(members, Estimates.Weighting.EQUAL, 0.95);
      close(one, equal.value(), "equal_value", SUMS);
      close(one, equal.standardError().orElseThrow(), "equal_error", SUMS);
      assertEquals(
          1.959963984540054 * equal.standardError().orElseThrow(),
          interval(equal).high() - equal.value(),
          1e-12);
    }
  }

  @Test
  void theBootstrapDrawsWhatItSaysAndAgreesWithNumPy() {
    for (JsonNode one : cases("bootstrap")) {
      double[] top = numbers(one, "top");
      double[] bottom = numbers(one, "bottom");
      long seed = one.path("seed").asLong();
      int[] drawn = new int[top.length];
      Bootstrap.draw(seed, 0, top.length, drawn);
      double[] first = numbers(one, "first_draws");
      for (int i = 0; i < first.length; i++) {
        assertEquals((int) first[i], drawn[i]);
      }
      ToDoubleFunction<int[]> ratio =
          items ->
              Arrays.stream(items).mapToDouble(i -> top[i]).sum()
                  / Arrays.stream(items).mapToDouble(i -> bottom[i]).sum();
      Estimate estimate =
          Estimates.bootstrap(
              1, top.length, new Uncertainty(0.95, seed, one.path("resamples").asInt()), ratio);
      close(one, estimate.standardError().orElseThrow(), "error", 1e-12);
      close(one, interval(estimate).low(), "low", SUMS);
      close(one, interval(estimate).high(), "high", SUMS);
    }
  }

  @Test
  void mcNemarAgrees() {
    for (JsonNode one : cases("mcnemar")) {
      int lost = one.path("lost").asInt();
      int won = one.path("won").asInt();
      int both = one.path("both_right").asInt();
      int items = lost + won + both + one.path("both_wrong").asInt();
      double[] first = new double[items];
      double[] second = new double[items];
      Arrays.fill(first, 0, lost + both, 1);
      Arrays.fill(second, lost, lost + both + won, 1);
      Comparison comparison =
          PairedTests.rightOrWrong(first, second, Direction.HIGHER_IS_BETTER, 0.95);
      close(one, comparison.pValue(), "p", BETA);
      close(one, comparison.interval().low(), "low", 1e-11);
      close(one, comparison.interval().high(), "high", 1e-11);
      assertEquals(one.path("needed").asLong(), comparison.itemsNeeded().orElse(0));
    }
  }

  @Test
  void pairedTAgrees() {
    for (JsonNode one : cases("paired_t")) {
      Comparison comparison =
          PairedTests.means(
              numbers(one, "first"), numbers(one, "second"), Direction.HIGHER_IS_BETTER, 0.95);
      close(one, comparison.pValue(), "p", 1e-9);
      close(one, comparison.interval().low(), "low", 1e-9);
      close(one, comparison.interval().high(), "high", 1e-9);
      // statsmodels counts the far tail, too, and does not round up.
      assertEquals(
          number(one, "needed"),
          (double) comparison.itemsNeeded().orElseThrow(),
          1 + 1e-4 * number(one, "needed"));
    }
  }

  @Test
  void holmAgrees() {
    for (JsonNode one : cases("holm")) {
      assertArrayEquals(numbers(one, "adjusted"), Holm.adjust(numbers(one, "p")), 1e-15);
    }
  }

  @Test
  void kappaAgrees() {
    List<Integer> grades = List.of(1, 2, 3, 4, 5);
    for (JsonNode one : cases("kappa")) {
      List<Integer> first = whole(one.path("first"));
      List<Integer> second = whole(one.path("second"));
      double nominal = CohenKappa.of(first, second, grades, CohenKappa.Weights.NOMINAL);
      double quadratic = CohenKappa.of(first, second, grades, CohenKappa.Weights.QUADRATIC);
      assertEquals(number(one, "nominal"), nominal, 1e-12);
      assertEquals(number(one, "quadratic"), quadratic, 1e-12);
    }
  }

  private static void agree(JsonNode one, Estimate estimate, double tolerance) {
    close(one, estimate.value(), "value", SUMS);
    close(one, estimate.standardError().orElseThrow(), "error", 1e-11);
    close(one, interval(estimate).low(), "low", tolerance);
    close(one, interval(estimate).high(), "high", tolerance);
  }

  private static Interval interval(Estimate estimate) {
    return estimate.interval().orElseThrow();
  }

  /** Relatively; values that are 0 but for rounding, to 2⁻⁵³. */
  private static void close(JsonNode one, double found, String key, double relative) {
    double expected = number(one, key);
    double size = Math.abs(expected) > 1e-6 ? Math.max(1, Math.abs(expected)) : Math.abs(expected);
    double tolerance = relative * size + (expected == 0 ? 0x1p-53 : 0);
    assertEquals(expected, found, tolerance, one.toString());
  }

  private static List<JsonNode> cases(String kind) {
    return ReferenceCases.ofKind("statistics", kind);
  }

  private static double number(JsonNode one, String key) {
    return one.path(key).asDouble();
  }

  private static double[] numbers(JsonNode one, String key) {
    return ReferenceCases.numbers(one.path(key));
  }

  private static List<Integer> whole(JsonNode list) {
    List<Integer> numbers = new ArrayList<>();
    list.forEach(number -> numbers.add(number.asInt()));
    return numbers;
  }
}
