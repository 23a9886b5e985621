package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class RunningMeansTest {
  private static StepReport report(double loss, double norm) {
    return new StepReport(1, loss, norm, 1e-3, 10, 20, 1000);
  }

  private static RunningMeans after(int steps, double loss, double norm) {
    RunningMeans means = RunningMeans.EMPTY;
    for (int i = 0; i < steps; i++) {
      means = means.with(report(loss, norm));
    }
    return means;
  }

  @Test
  void theMeanOfEqualValuesIsTheValueFromTheTenthStepOn() {
    StepLimits limits = after(10, 3.0, 0.5).limits(OptionalDouble.of(2), OptionalDouble.of(4));
    assertEquals(6.0, limits.loss(), 1e-12);
    assertEquals(2.0, limits.gradNorm(), 1e-12);
  }

  @Test
  void beforeTheTenthStepNothingIsASpike() {
    assertSame(
        StepLimits.NONE, after(9, 3.0, 0.5).limits(OptionalDouble.of(1), OptionalDouble.of(1)));
  }

  @Test
  void withoutAFactorThereIsNoLimit() {
    StepLimits limits = after(20, 3.0, 0.5).limits(OptionalDouble.empty(), OptionalDouble.of(4));
    assertEquals(Double.POSITIVE_INFINITY, limits.loss());
    assertEquals(2.0, limits.gradNorm(), 1e-12);
  }

  @Test
  void newValuesWeighATwentieth() {
    RunningMeans means = after(1000, 3.0, 1.0).with(report(5.0, 1.0));
    assertEquals(3.1, means.limits(OptionalDouble.of(1), OptionalDouble.empty()).loss(), 1e-9);
  }

  @Test
  void limitsSayWhatIsBroken() {
    StepLimits limits = new StepLimits(6, 2);
    assertEquals(Optional.empty(), limits.broken(6, 2));
    assertEquals(Optional.of(BadStep.Cause.LOSS_SPIKE), limits.broken(6.1, 1));
    assertEquals(Optional.of(BadStep.Cause.GRADIENT_SPIKE), limits.broken(1, 2.1));
    assertEquals(Optional.of(BadStep.Cause.NOT_FINITE), limits.broken(Double.NaN, 1));
    assertEquals(
        Optional.of(BadStep.Cause.NOT_FINITE), StepLimits.NONE.broken(1, Double.POSITIVE_INFINITY));
    assertEquals(Optional.empty(), StepLimits.NONE.broken(1e300, 1e300));
  }
}
