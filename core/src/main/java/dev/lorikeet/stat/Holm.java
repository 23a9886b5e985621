package dev.lorikeet.stat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Holm's correction: with several metrics the chance that one of them differs by luck grows, so the
 * k-th smallest of m p-values is multiplied by m − k + 1 (and is at least the one before).
 *
 * @see <a href="https://www.jstor.org/stable/4615733">Holm 1979</a>
 */
public final class Holm {
  private Holm() {}

  /** Corrected p-values, in the order given. */
  public static double[] adjust(double[] pValues) {
    List<Integer> rising = new ArrayList<>();
    for (int i = 0; i < pValues.length; i++) {
      rising.add(i);
    }
    rising.sort(Comparator.comparingDouble(i -> pValues[i]));
    double[] adjusted = new double[pValues.length];
    double largest = 0;
    for (int k = 0; k < rising.size(); k++) {
      int at = rising.get(k);
      largest = Math.max(largest, Math.min(1, pValues[at] * (pValues.length - k)));
      adjusted[at] = largest;
    }
    return adjusted;
  }

  /** The comparisons by metric with corrected p-values, in their order. */
  public static Map<String, Comparison> adjust(Map<String, Comparison> comparisons) {
    double[] adjusted =
        adjust(comparisons.values().stream().mapToDouble(Comparison::pValue).toArray());
    Map<String, Comparison> result = new LinkedHashMap<>();
    int at = 0;
    for (Map.Entry<String, Comparison> entry : comparisons.entrySet()) {
      result.put(entry.getKey(), entry.getValue().withPValue(adjusted[at++]));
    }
    return result;
  }
}
