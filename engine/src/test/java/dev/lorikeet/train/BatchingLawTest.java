package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.fixture.Close;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.train.LawFixture.Technique;
import dev.lorikeet.train.LawFixture.Variant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * One micro-batch of 8, 8 micro-batches of 1 and 2 workers of 4 are the same step: the same dropout
 * masks, loss and gradients but for the order of float32 sums.
 *
 * <p>Two orders of a sum of n products differ by at most 2·n·2⁻²⁴ of the sum of their magnitudes
 * (Higham 2002, section 4.2). The longest sums here have n = 172 terms (columns of the MLP; a step
 * has 133 tokens), so gradients may differ by 2e-5 of their length; losses, which are means of sums
 * in double, by less. Another mask for a single example would change them by more than 1e-2.
 */
@Tag("native")
final class BatchingLawTest {
  private static final double GRADIENT_TOLERANCE = 2 * 172 * 0x1p-24;
  private static final double LOSS_TOLERANCE = GRADIENT_TOLERANCE;

  /**
   * AdamW divides every gradient by its own size, so an entry that is smaller than its rounding may
   * move either way, as far as any other. Gradients differ by 2e-6 of their length (measured), so
   * up to a few entries of a million are so small, and the update differs by the root of that
   * share. Of fewer parameters a single entry shows: those below the rounding in the first step are
   * left out.
   */
  private static final double UPDATE_TOLERANCE = 1e-3;

  private static final int STEPS = 3;
  private static final int PATIENCE_SECONDS = 60;

  /** What three steps did. */
  private static final class Trace {
    final List<Double> losses = new ArrayList<>();
    final List<float[]> gradients = new ArrayList<>();
    final List<Long> labels = new ArrayList<>();
    float[] start = {};
    float[] end = {};

    float[] update() {
      float[] update = new float[end.length];
      for (int i = 0; i < update.length; i++) {
        update[i] = end[i] - start[i];
      }
      return update;
    }
  }

  /** Keeps what the workers' gradients add up to. */
  private record Listening(Collective workers, List<float[]> heard) implements Collective {
    @Override
    public int rank() {
      return workers.rank();
    }

    @Override
    public int size() {
      return workers.size();
    }

    @Override
    public void sum(List<Tensor> tensors) {
      workers.sum(tensors);
      heard.add(LawFixture.joined(tensors.stream().map(Tensor::toFloats).toList()));
    }

    @Override
    public double[] sum(double... values) {
      return workers.sum(values);
    }
  }

  @ParameterizedTest
  @EnumSource(Technique.class)
  void eightMicroBatchesOfOneAreOneOfEight(Technique technique) {
    Variant variant = Variant.of(technique);
    assertAgree(alone(variant, 8), alone(variant, 1), technique + " 8 x 1");
    assertAgree(alone(variant, 8), alone(variant, 4), technique + " 2 x 4");
  }

  @ParameterizedTest
  @EnumSource(Technique.class)
  void twoWorkersOfFourAreOneOfEight(Technique technique) {
    Variant variant = Variant.of(technique);
    List<Trace> workers = workers(2, variant, 4);
    assertAgree(alone(variant, 8), workers.getFirst(), technique + " 2 workers");
    assertSame(workers.get(0), workers.get(1));
  }

  @Test
  void threeWorkersWithUnequalSharesAgreeToo() {
    // Eight micro-batches over three workers: 3, 3 and 2.
    Variant variant = Variant.of(Technique.LORA);
    List<Trace> workers = workers(3, variant, 1);
    assertAgree(alone(variant, 8), workers.get(2), "3 workers");
    assertSame(workers.get(0), workers.get(2));
  }

  @ParameterizedTest
  @EnumSource(Technique.class)
  void packingChangesNoStep(Technique technique) {
    Variant variant = Variant.of(technique);
    assertAgree(alone(variant, 8), alone(variant.unpacked(), 8), technique + " unpacked");
  }

  @ParameterizedTest
  @EnumSource(Technique.class)
  void recomputingGivesTheSameBits(Technique technique) {
    Variant variant = Variant.of(technique);
    assertSame(alone(variant, 4), alone(variant.recomputed(), 4));
  }

  @Test
  void theSameStepsGiveTheSameBits() {
    Variant variant = Variant.of(Technique.LORA);
    assertSame(alone(variant, 4), alone(variant, 4));
  }

  @Test
  void dropoutIsAtWorkInTheseTests() {
    Variant variant = Variant.of(Technique.LORA);
    Trace dropped = alone(variant, 8);
    Trace whole = alone(variant.withDropout(0), 8);
    double change = Close.frobenius(whole.gradients.getFirst(), dropped.gradients.getFirst());
    assertTrue(change > 1e-2, "dropout changes gradients by " + change + " only");
  }

  private static void assertAgree(Trace expected, Trace actual, String what) {
    assertEquals(expected.labels, actual.labels);
    for (int s = 0; s < STEPS; s++) {
      double loss = expected.losses.get(s);
      assertEquals(loss, actual.losses.get(s), LOSS_TOLERANCE * loss, what + " loss " + s);
    }
    // Later gradients are those of parameters that differ already.
    double error = Close.frobenius(expected.gradients.getFirst(), actual.gradients.getFirst());
    assertTrue(error <= GRADIENT_TOLERANCE, what + ": gradients differ by " + error);
    float[] theirs = expected.update();
    double update = Close.frobenius(theirs, decided(actual.update(), theirs, expected));
    assertTrue(update <= UPDATE_TOLERANCE, what + ": updates differ by " + update);
  }

  /** The update, but {@code theirs} where the first gradient is less than its own rounding. */
  private static float[] decided(float[] update, float[] theirs, Trace expected) {
    float[] gradient = expected.gradients.getFirst();
    double squares = 0;
    for (float value : gradient) {
      squares += (double) value * value;
    }
    double rounding = GRADIENT_TOLERANCE * Math.sqrt(squares / gradient.length);
    float[] decided = update.clone();
    int undecided = 0;
    for (int i = 0; i < decided.length; i++) {
      if (gradient[i] != 0 && Math.abs(gradient[i]) < rounding) {
        decided[i] = theirs[i];
        undecided++;
      }
    }
    assertTrue(undecided <= 1e-3 * decided.length, undecided + " entries are left out");
    return decided;
  }

  private static void assertSame(Trace expected, Trace actual) {
    assertEquals(expected.losses, actual.losses);
    assertArrayEquals(expected.end, actual.end);
  }

  private static Trace alone(Variant variant, int microBatch) {
    return train(variant, microBatch, Collective.solo());
  }

  private static List<Trace> workers(int count, Variant variant, int microBatch) {
    try (ExecutorService threads = Executors.newFixedThreadPool(count)) {
      List<Future<Trace>> futures = new ArrayList<>();
      for (Collective worker : InProcessCollective.of(count)) {
        futures.add(threads.submit(() -> train(variant, microBatch, worker)));
      }
      List<Trace> traces = new ArrayList<>();
      for (Future<Trace> future : futures) {
        traces.add(future.get(PATIENCE_SECONDS, TimeUnit.SECONDS));
      }
      return traces;
    } catch (InterruptedException | ExecutionException | TimeoutException failure) {
      throw new IllegalStateException("a worker failed", failure);
    }
  }

  private static Trace train(Variant variant, int microBatch, Collective collective) {
    Trace trace = new Trace();
    try (Device device = Device.cpu(1);
        LawFixture fixture =
            new LawFixture(device, variant, new Listening(collective, trace.gradients))) {
      trace.start = fixture.values();
      for (int step = 0; step < STEPS; step++) {
        StepReport report = fixture.trainer().step(LawFixture.batch(step, microBatch));
        trace.losses.add(report.loss());
        trace.labels.add(report.labels());
      }
      trace.end = fixture.values();
    }
    return trace;
  }
}
