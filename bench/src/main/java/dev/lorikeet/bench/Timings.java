package dev.lorikeet.bench;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/** Median and range of what was measured several times; at least one number. */
public record Timings(double median, double least, double most) {
  /** Of {@code values}, at least one. */
  public static Timings of(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    if (sorted.length == 0) {
      throw new IllegalStateException("nothing was measured");
    }
    double median = (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    return new Timings(median, sorted[0], Arrays.stream(sorted).max().orElseThrow());
  }

  /** {@code first[i] / second[i]} of every pair of runs that followed each other. */
  public static Timings ratios(List<Double> first, List<Double> second) {
    if (first.size() != second.size()) {
      throw new IllegalStateException(first.size() + " runs beside " + second.size());
    }
    return of(
        IntStream.range(0, first.size()).mapToObj(i -> first.get(i) / second.get(i)).toList());
  }

  /** Median (least–most), with {@code digits} behind the point. */
  public String text(int digits) {
    String number = "%." + digits + "f";
    return String.format(
        Locale.ROOT, number + " (" + number + "–" + number + ")", median, least, most);
  }
}
