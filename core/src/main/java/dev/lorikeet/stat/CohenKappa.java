package dev.lorikeet.stat;

import java.util.List;

/**
 * Agreement of two raters beyond what chance gives: 1 − Σ w·observed / Σ w·expected over the pairs
 * of categories, with disagreement weights w.
 *
 * @see <a href="https://doi.org/10.1177/001316446002000104">Cohen 1960</a>
 * @see <a href="https://doi.org/10.1037/h0026256">Cohen 1968</a> (weights)
 */
public final class CohenKappa {
  private CohenKappa() {}

  /** How much a disagreement weighs. */
  public enum Weights {
    /** All disagreements the same: for names. */
    NOMINAL,
    /** By the square of the distance: for grades. */
    QUADRATIC
  }

  /**
   * Kappa of two lists of the same length, at least one long.
   *
   * @param categories all that could be said, in their order
   * @return 1 for full agreement, 0 for chance; where both say one and the same category always,
   *     and chance explains everything, 1
   */
  public static <T> double of(List<T> first, List<T> second, List<T> categories, Weights weights) {
    int size = categories.size();
    int items = first.size();
    if (items == 0 || items != second.size()) {
      throw new IllegalStateException(items + " and " + second.size() + " ratings");
    }
    double[] firstShare = new double[size];
    double[] secondShare = new double[size];
    double observed = 0;
    for (int i = 0; i < items; i++) {
      int a = at(categories, first.get(i));
      int b = at(categories, second.get(i));
      firstShare[a] += 1.0 / items;
      secondShare[b] += 1.0 / items;
      observed += weight(weights, a, b) / items;
    }
    double expected = 0;
    for (int a = 0; a < size; a++) {
      for (int b = 0; b < size; b++) {
        expected += weight(weights, a, b) * firstShare[a] * secondShare[b];
      }
    }
    return expected == 0 ? 1 : 1 - observed / expected;
  }

  private static double weight(Weights weights, int a, int b) {
    return switch (weights) {
      case NOMINAL -> a == b ? 0 : 1;
      case QUADRATIC -> (double) (a - b) * (a - b);
    };
  }

  private static <T> int at(List<T> categories, T rating) {
    int index = categories.indexOf(rating);
    if (index < 0) {
      throw new IllegalStateException(rating + " is none of " + categories);
    }
    return index;
  }
}
