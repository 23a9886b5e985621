package dev.lorikeet.kernel;

import static dev.lorikeet.fixture.Rounding.U;
import static dev.lorikeet.fixture.Rounding.assertWithin;

import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

@Tag("native")
final class AdamWKernelTest {

  private record State(Tensor parameter, Tensor mean, Tensor square) {}

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 13, 64, 207, 300 * 576})
  void oneStepAgreesWithThePlainFormula(int length) {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      float[] start = Tensors.numbers("start", length);
      float[] means = Tensors.numbers("mean", length);
      float[] squares = Tensors.numbers("square", length);
      float[] gradients = Tensors.numbers("gradient", length);
      for (int i = 0; i < length; i++) {
        squares[i] *= squares[i];
      }
      AdamWStep step = new AdamWStep(0.01, 0.9, 0.999, 1e-8, 0.1, 3);
      Tensor gradient = tensors.of(gradients, length);
      State expected = state(tensors, start, means, squares);
      new PlainUpdates().adamW(expected.parameter, gradient, expected.mean, expected.square, step);
      for (Kernels kernels : new Kernels[] {Kernels.of(device), Kernels.reference(device)}) {
        Bounds bounds = new Bounds(start, means, squares);
        State actual = state(tensors, start, means, squares);
        kernels.updates().adamW(actual.parameter, gradient, actual.mean, actual.square, step);
        bounds.step(gradients, step);
        verify(
            expected.parameter.toFloats(),
            expected.mean.toFloats(),
            expected.square.toFloats(),
            actual,
            bounds,
            kernels.getClass().getSimpleName());
      }
    }
  }

  @Test
  @Tag("reference")
  void trajectoriesAgreeWithTorch() {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      for (JsonNode setting : Fixture.json("optim/adamw.json")) {
        trajectory(device, tensors, Kernels.of(device), setting);
        trajectory(device, tensors, Kernels.reference(device), setting);
      }
    }
  }

  private static void trajectory(
      Device device, Tensors tensors, Kernels kernels, JsonNode setting) {
    float[] start = Fixture.floats(setting.get("start"));
    float[] zeros = new float[start.length];
    Bounds bounds = new Bounds(start, zeros, zeros);
    State state = state(tensors, start, zeros, zeros);
    JsonNode expected = setting.get("float64");
    int steps = setting.get("gradients").size();
    for (int s = 0; s < steps; s++) {
      AdamWStep step =
          new AdamWStep(
              setting.get("learning_rate").asDouble(),
              setting.get("adam_beta1").asDouble(),
              setting.get("adam_beta2").asDouble(),
              setting.get("adam_epsilon").asDouble(),
              setting.get("weight_decay").asDouble(),
              s + 1);
      float[] gradient = Fixture.floats(setting.get("gradients").get(s));
      kernels
          .updates()
          .adamW(
              state.parameter,
              tensors.of(gradient, gradient.length),
              state.mean,
              state.square,
              step);
      bounds.step(gradient, step);
      String what = setting.get("name").asString() + " step " + (s + 1) + " on " + device;
      assertWithin(
          Fixture.floats(expected.get("parameters").get(s)),
          state.parameter.toFloats(),
          i -> bounds.parameterError[i],
          what);
    }
    verify(
        Fixture.floats(expected.get("parameters").get(steps - 1)),
        Fixture.floats(expected.get("exp_avg")),
        Fixture.floats(expected.get("exp_avg_sq")),
        state,
        bounds,
        setting.get("name").asString());
  }

  private static void verify(
      float[] parameter, float[] mean, float[] square, State actual, Bounds bounds, String what) {
    assertWithin(mean, actual.mean.toFloats(), i -> bounds.meanError[i], what + ": mean");
    assertWithin(square, actual.square.toFloats(), i -> bounds.squareError[i], what + ": square");
    assertWithin(
        parameter, actual.parameter.toFloats(), i -> bounds.parameterError[i], what + ": value");
  }

  private static State state(Tensors tensors, float[] start, float[] means, float[] squares) {
    return new State(
        tensors.of(start, start.length),
        tensors.of(means, start.length),
        tensors.of(squares, start.length));
  }

  /**
   * The update in double and, beside it, how far float32 may be off: a step rounds the constants,
   * every product and every sum once, 4 roundings of β·m + (1 − β)·g and of β·v + (1 − β)·g²; the
   * change inherits the errors of m and √v (half of v's) and rounds 5 times; the new value is
   * rounded with its decay, 3 times.
   */
  private static final class Bounds {
    private final double[] p;
    private final double[] m;
    private final double[] v;
    final double[] parameterError;
    final double[] meanError;
    final double[] squareError;

    Bounds(float[] start, float[] means, float[] squares) {
      p = doubles(start);
      m = doubles(means);
      v = doubles(squares);
      parameterError = new double[start.length];
      meanError = new double[start.length];
      squareError = new double[start.length];
    }

    void step(float[] gradient, AdamWStep step) {
      double meanScale = 1 / (1 - StrictMath.pow(step.beta1(), (double) step.step()));
      double rootScale = 1 / Math.sqrt(1 - StrictMath.pow(step.beta2(), (double) step.step()));
      for (int i = 0; i < gradient.length; i++) {
        double g = gradient[i];
        double mOld = step.beta1() * m[i];
        double mNew = (1 - step.beta1()) * g;
        meanError[i] = step.beta1() * meanError[i] + 4 * U * (Math.abs(mOld) + Math.abs(mNew));
        m[i] = mOld + mNew;
        double vOld = step.beta2() * v[i];
        double vNew = (1 - step.beta2()) * g * g;
        squareError[i] = step.beta2() * squareError[i] + 4 * U * (vOld + vNew) + Float.MIN_NORMAL;
        v[i] = vOld + vNew;
        double root = Math.sqrt(v[i]) * rootScale + step.epsilon();
        double rootError = v[i] == 0 ? 0 : 0.5 * squareError[i] / v[i];
        double lr = step.learningRate() * meanScale;
        double change = lr * m[i] / root;
        double changeError = lr * meanError[i] / root + Math.abs(change) * (rootError + 5 * U);
        double decay = 1 - step.learningRate() * step.weightDecay();
        p[i] = p[i] * decay - change;
        parameterError[i] += changeError + 3 * U * (Math.abs(p[i]) + Math.abs(change));
      }
    }

    private static double[] doubles(float[] values) {
      double[] doubles = new double[values.length];
      for (int i = 0; i < values.length; i++) {
        doubles[i] = values[i];
      }
      return doubles;
    }
  }
}
