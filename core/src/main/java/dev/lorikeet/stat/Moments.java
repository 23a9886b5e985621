package dev.lorikeet.stat;

/**
 * Mean and sample variance of some values.
 *
 * @param count number of values
 * @param variance Σ(x − mean)² / (count − 1); 0 where there are fewer than two
 */
record Moments(int count, double mean, double variance) {

  static Moments of(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    double mean = values.length == 0 ? 0 : sum / values.length;
    double squares = 0;
    for (double value : values) {
      squares += (value - mean) * (value - mean);
    }
    return new Moments(values.length, mean, values.length < 2 ? 0 : squares / (values.length - 1));
  }

  double standardDeviation() {
    return StrictMath.sqrt(variance);
  }

  double standardError() {
    return StrictMath.sqrt(variance / count);
  }
}
