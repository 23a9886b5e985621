package dev.lorikeet.stat;

/**
 * Logarithm of the gamma function, regularised incomplete beta function, error function.
 *
 * <p>Relative errors are about 1e-14 for moderate arguments; the beta function loses what its
 * logarithms lose, so 1e-11 at arguments of 10⁵.
 */
final class SpecialFunctions {
  private static final double TINY = 1e-300;
  private static final double EPSILON = 1e-16;
  private static final int MOST_TERMS = 200_000;

  /** Coefficients of Stirling's series, B₂ₖ / (2k(2k−1)). */
  private static final double[] STIRLING = {
    1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188, -691.0 / 360360, 1.0 / 156
  };

  private static final double STIRLING_FROM = 15;

  private SpecialFunctions() {}

  /** ln Γ(x) for x above 0: Stirling's series, reached by Γ(x) = Γ(x+1)/x where x is small. */
  static double logGamma(double x) {
    double factor = 1;
    double at = x;
    while (at < STIRLING_FROM) {
      factor *= at;
      at++;
    }
    double inverse = 1 / at;
    double power = inverse;
    double series = 0;
    for (double coefficient : STIRLING) {
      series += coefficient * power;
      power *= inverse * inverse;
    }
    double half = 0.5 * StrictMath.log(2 * Math.PI);
    return (at - 0.5) * StrictMath.log(at) - at + half + series - StrictMath.log(factor);
  }

  /**
   * Iₓ(a, b), the regularised incomplete beta function, for x in 0..1 and a, b above 0.
   *
   * @param y 1 − x, which the caller may know with more digits
   * @see <a href="https://dlmf.nist.gov/8.17#v">DLMF 8.17.22</a>, evaluated as Lentz does
   */
  static double regularizedBeta(double x, double y, double a, double b) {
    if (x <= 0) {
      return 0;
    }
    if (y <= 0) {
      return 1;
    }
    double logFront =
        logGamma(a + b) - logGamma(a) - logGamma(b) + a * StrictMath.log(x) + b * StrictMath.log(y);
    double front = StrictMath.exp(logFront);
    // The fraction converges fast on one side of the mean; on the other I(x,a,b) = 1 − I(1−x,b,a).
    return x < (a + 1) / (a + b + 2)
        ? front * betaFraction(x, a, b) / a
        : 1 - front * betaFraction(y, b, a) / b;
  }

  private static double betaFraction(double x, double a, double b) {
    double c = 1;
    double d = 1 / awayFromZero(1 - (a + b) * x / (a + 1));
    double value = d;
    for (int m = 1; m <= MOST_TERMS; m++) {
      double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
      d = 1 / awayFromZero(1 + even * d);
      c = awayFromZero(1 + even / c);
      value *= d * c;
      double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
      d = 1 / awayFromZero(1 + odd * d);
      c = awayFromZero(1 + odd / c);
      double step = d * c;
      value *= step;
      if (Math.abs(step - 1) < 3 * EPSILON) {
        return value;
      }
    }
    throw new IllegalStateException("incomplete beta of " + x + ", " + a + ", " + b);
  }

  private static double awayFromZero(double value) {
    return Math.abs(value) < TINY ? TINY : value;
  }

  /** 1 − erf(x): a series of positive terms near 0, a continued fraction in the tail. */
  static double erfc(double x) {
    if (x < 0) {
      return 2 - erfc(-x);
    }
    return x < 2.5 ? 1 - erfSeries(x) : erfcFraction(x);
  }

  /** erf(x) = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1·3·…·(2n+1)). */
  private static double erfSeries(double x) {
    double term = x;
    double sum = x;
    for (int n = 1; term > sum * EPSILON; n++) {
      term *= 2 * x * x / (2 * n + 1);
      sum += term;
    }
    return 2 / StrictMath.sqrt(Math.PI) * StrictMath.exp(-x * x) * sum;
  }

  /** √π e^(x²) erfc(x) = 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …)))), from its far end. */
  private static double erfcFraction(double x) {
    double tail = x;
    for (int n = 120; n >= 1; n--) {
      tail = x + n / 2.0 / tail;
    }
    return StrictMath.exp(-x * x) / (tail * StrictMath.sqrt(Math.PI));
  }
}
