package dev.lorikeet.kernel;

import static dev.lorikeet.fixture.Rounding.U;
import static dev.lorikeet.fixture.Rounding.assertWithin;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.kernel.SgdStep.Direction;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** One update by the fast kernels and by the plain loops. AdamW's: {@link AdamWKernelTest}. */
@Tag("native")
final class UpdateKernelsTest {
  private static final double RATE = 0.03;
  private static final double DECAY = 0.2;

  /**
   * Sums of squares are float32 over at most 256 elements, so 256 roundings of the sum at most; u
   * takes the half of those of its row, its column and, through rms(u), of all; and 20 operations.
   */
  private static final double ADAFACTOR_ROUNDINGS = 3 * 128 + 20;

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 13, 255, 256, 257, 4096, 4097, 70_001})
  void elementwiseRulesAgreeWithThePlainOnes(int length) {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      float[] p = Tensors.numbers("p", length);
      float[] g = Tensors.numbers("g", length);
      float[] s = Tensors.numbers("s", length);
      Pair pair = new Pair(tensors, p, g, s);
      IntToDoubleFunction slope = i -> Math.abs(g[i]) + DECAY * Math.abs(p[i]);
      IntToDoubleFunction buffer = i -> slope.applyAsDouble(i) + 0.9 * Math.abs(s[i]);
      SgdStep plain = new SgdStep(RATE, 0, Direction.MOMENTUM, DECAY);
      pair.run((k, parameter, gradient, _) -> k.sgd(parameter, gradient, plain));
      pair.verify(i -> 5 * U * (Math.abs(p[i]) + RATE * slope.applyAsDouble(i)), i -> 0, "sgd");
      for (Direction direction : Direction.values()) {
        SgdStep step = new SgdStep(RATE, 0.9, direction, DECAY);
        pair.run((k, parameter, gradient, state) -> k.sgd(parameter, gradient, state, step));
        pair.verify(
            i -> 8 * U * (Math.abs(p[i]) + 2 * RATE * buffer.applyAsDouble(i)),
            i -> 5 * U * buffer.applyAsDouble(i),
            "momentum " + direction);
      }
      LionStep lion = new LionStep(RATE, 0.9, 0.99, DECAY);
      pair.run((k, parameter, gradient, state) -> k.lion(parameter, gradient, state, lion));
      pair.verify(
          i -> {
            double parts = 0.9 * Math.abs(s[i]) + 0.1 * Math.abs(g[i]);
            boolean unsure = Math.abs(0.9 * s[i] + 0.1 * g[i]) <= 4 * U * parts;
            return (unsure ? 2 * RATE : 0) + 4 * U * (Math.abs(p[i]) + RATE);
          },
          i -> 4 * U * (Math.abs(s[i]) + 0.01 * Math.abs(g[i])),
          "lion");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 13, 255, 256, 257, 4097, 70_001})
  void adafactorOfAVectorAgreesWithThePlainOne(int length) {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      float[] p = Tensors.numbers("p", length);
      float[] g = Tensors.numbers("g", length);
      float[] v = squared(Tensors.numbers("s", length));
      Pair pair = new Pair(tensors, p, g, v);
      AdafactorStep step = new AdafactorStep(RATE, DECAY, 3);
      pair.run((k, parameter, gradient, state) -> k.adafactor(parameter, gradient, state, step));
      pair.verify(
          i -> 4 * U * Math.abs(p[i]) + ADAFACTOR_ROUNDINGS * U * RATE * direction(g[i], v[i]),
          i -> 5 * U * (v[i] + (double) g[i] * g[i]),
          "adafactor");
    }
  }

  private static double direction(float g, float v) {
    double beta2 = 1 - Math.pow(3, -0.8);
    return Math.abs(g) / Math.sqrt(beta2 * v + (1 - beta2) * g * g);
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "1, 13", "13, 1", "7, 257", "300, 9", "257, 130", "8, 4096", "600, 300"})
  void adafactorOfAMatrixAgreesWithThePlainOne(int rows, int columns) {
    try (Device device = Device.cpu(3);
        Tensors tensors = new Tensors(device)) {
      AdafactorStep step = new AdafactorStep(RATE, DECAY, 3);
      float[][] found = new float[2][];
      float[][] ofRows = new float[2][];
      float[][] ofColumns = new float[2][];
      UpdateKernels[] both = {new PlainUpdates(), Kernels.of(device).updates()};
      for (int k = 0; k < both.length; k++) {
        Tensor parameter = tensors.normal("p", rows, columns);
        Tensor row = tensors.of(squared(Tensors.numbers("row", rows)), rows);
        Tensor column = tensors.of(squared(Tensors.numbers("column", columns)), columns);
        both[k].adafactor(parameter, tensors.normal("g", rows, columns), row, column, step);
        found[k] = parameter.toFloats();
        ofRows[k] = row.toFloats();
        ofColumns[k] = column.toFloats();
      }
      float[] start = Tensors.numbers("p", rows * columns);
      assertWithin(ofRows[0], ofRows[1], i -> 260 * U * ofRows[0][i], "rows");
      assertWithin(ofColumns[0], ofColumns[1], i -> 260 * U * ofColumns[0][i], "columns");
      assertWithin(
          found[0],
          found[1],
          i -> {
            double moved = Math.abs((double) found[0][i] - start[i]) + RATE * DECAY * start[i];
            return ADAFACTOR_ROUNDINGS * U * Math.abs(moved) + 8 * U * Math.abs(start[i]);
          },
          "parameter");
    }
  }

  /** Codes are whole numbers: they are the same or wrong. */
  @ParameterizedTest
  @ValueSource(ints = {1, 7, 255, 256, 257, 4096, 4097, 70_001})
  void statesOf8BitsAreThePlainOnesBitForBit(int length) {
    try (Device device = Device.cpu(3);
        Tensors tensors = new Tensors(device);
        QuantizedMoments expected = QuantizedMoments.zeros(device, length);
        QuantizedMoments actual = QuantizedMoments.zeros(device, length)) {
      Tensor plain = tensors.normal("p", length);
      Tensor fast = tensors.copy(plain);
      for (int t = 1; t <= 12; t++) {
        AdamWStep step = new AdamWStep(RATE, 0.9, 0.999, 1e-8, DECAY, t);
        float[] values = Tensors.numbers("g" + t, length);
        for (int i = 0; i < length; i++) {
          values[i] = i / 256 == 1 ? 0f : values[i] * (float) Math.pow(10, -(i * t) % 9);
        }
        Tensor gradient = tensors.of(values, length);
        new PlainUpdates().adamW(plain, gradient, expected, step);
        Kernels.of(device).updates().adamW(fast, gradient, actual, step);
        assertArrayEquals(plain.toFloats(), fast.toFloats(), "step " + t);
        assertArrayEquals(bytes(expected.mean()), bytes(actual.mean()), "means");
        assertArrayEquals(bytes(expected.square()), bytes(actual.square()), "squares");
        assertArrayEquals(expected.meanMax().toFloats(), actual.meanMax().toFloats());
        assertArrayEquals(expected.squareMax().toFloats(), actual.squareMax().toFloats());
      }
    }
  }

  private static byte[] bytes(Tensor tensor) {
    return tensor.segment().toArray(ValueLayout.JAVA_BYTE);
  }

  /** What every rule does to the same numbers, by one thread and by several. */
  enum Rule {
    SGD,
    LION,
    ADAFACTOR,
    ADAFACTOR_OF_A_MATRIX,
    ADAMW_8BIT
  }

  @ParameterizedTest
  @EnumSource(Rule.class)
  void resultsDoNotDependOnTheNumberOfThreads(Rule rule) {
    float[] one = results(rule, 1);
    assertArrayEquals(one, results(rule, 2));
    assertArrayEquals(one, results(rule, 5));
  }

  private static float[] results(Rule rule, int threads) {
    try (Device device = Device.cpu(threads);
        Tensors tensors = new Tensors(device);
        QuantizedMoments moments = QuantizedMoments.zeros(device, 300 * 577)) {
      UpdateKernels kernels = Kernels.of(device).updates();
      Tensor p = tensors.normal("p", 300, 577);
      Tensor g = tensors.normal("g", 300, 577);
      Tensor s = tensors.of(squared(Tensors.numbers("s", 300 * 577)), 300, 577);
      AdafactorStep adafactor = new AdafactorStep(RATE, DECAY, 2);
      switch (rule) {
        case SGD -> kernels.sgd(p, g, s, new SgdStep(RATE, 0.9, Direction.NESTEROV, DECAY));
        case LION -> kernels.lion(p, g, s, new LionStep(RATE, 0.9, 0.99, DECAY));
        case ADAFACTOR -> kernels.adafactor(p, g, s, adafactor);
        case ADAFACTOR_OF_A_MATRIX ->
            kernels.adafactor(
                p, g, tensors.empty(300).zero(), tensors.empty(577).zero(), adafactor);
        case ADAMW_8BIT -> {
          kernels.adamW(p, g, moments, new AdamWStep(RATE, 0.9, 0.999, 1e-8, DECAY, 1));
          kernels.adamW(p, s, moments, new AdamWStep(RATE, 0.9, 0.999, 1e-8, DECAY, 2));
        }
      }
      return p.toFloats();
    }
  }

  private static float[] squared(float[] values) {
    for (int i = 0; i < values.length; i++) {
      values[i] *= values[i];
    }
    return values;
  }

  private interface Update {
    void run(UpdateKernels kernels, Tensor parameter, Tensor gradient, Tensor state);
  }

  /** The same update from the same numbers by the plain loops and by the fast kernels. */
  private static final class Pair {
    private final Tensors tensors;
    private final float[][] start;
    private final float[][] parameters = new float[2][];
    private final float[][] states = new float[2][];

    Pair(Tensors tensors, float[] parameter, float[] gradient, float[] state) {
      this.tensors = tensors;
      start = new float[][] {parameter, gradient, state};
    }

    void run(Update update) {
      int length = start[0].length;
      Tensor gradient = tensors.of(start[1], length);
      UpdateKernels[] both = {
        new PlainUpdates(), Kernels.of(gradient.device()).updates(),
      };
      for (int k = 0; k < both.length; k++) {
        Tensor parameter = tensors.of(start[0], length);
        Tensor state = tensors.of(start[2], length);
        update.run(both[k], parameter, gradient, state);
        parameters[k] = parameter.toFloats();
        states[k] = state.toFloats();
      }
    }

    void verify(IntToDoubleFunction parameter, IntToDoubleFunction state, String what) {
      assertWithin(parameters[0], parameters[1], parameter, what + ": parameter");
      assertWithin(states[0], states[1], state, what + ": state");
    }
  }
}
