package dev.lorikeet.kernel;

import static dev.lorikeet.fixture.Rounding.EXP;
import static dev.lorikeet.fixture.Rounding.U;
import static dev.lorikeet.fixture.Rounding.assertWithin;
import static dev.lorikeet.fixture.Rounding.max;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.LibTorch.Precision;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

@Tag("native")
final class CrossEntropyKernelTest {

  private record Given(Tensor logits, Tensor labels) {}

  /** Gradients of every row for an upstream gradient of 1. */
  @SuppressWarnings("ArrayRecordComponent") // only carries them, is never compared
  private record Expected(float[] losses, float[] gradient) {}

  @ParameterizedTest
  @CsvSource({"1,1", "3,7", "7,13", "13,64", "13,207", "64,49157"})
  void agreesWithThePlainFormula(int rows, int vocabulary) {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      float[] logits = Tensors.numbers("logits", rows * vocabulary);
      for (int i = 0; i < logits.length; i++) {
        logits[i] *= 5;
      }
      Given given =
          new Given(tensors.of(logits, rows, vocabulary), tensors.ids("labels", rows, vocabulary));
      Expected expected = run(tensors, new TorchKernels(Precision.FLOAT64), given, 1f);
      verify(tensors, Kernels.of(device), given, expected, rows + "x" + vocabulary);
      verify(tensors, Kernels.reference(device), given, expected, "float32 libtorch");
    }
  }

  @ParameterizedTest
  @CsvSource({"1,1", "3,7", "7,13", "13,64", "13,207", "64,49157"})
  void findsTheLabelsThatAreLargest(int rows, int vocabulary) {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      float[] logits = Tensors.numbers("logits", rows * vocabulary);
      int[] labels = new int[rows];
      for (int t = 0; t < rows; t++) {
        labels[t] = (t * 31) % vocabulary;
        if (t % 2 == 0) {
          logits[t * vocabulary + labels[t]] = 100;
        }
      }
      // Of equal numbers the first one is the largest.
      logits[(rows - 1) * vocabulary] = 200;
      logits[(rows - 1) * vocabulary + labels[rows - 1]] = 200;
      Tensor given = tensors.of(logits, rows, vocabulary);
      Tensor ids = device.ints(labels);
      Tensor expected = tensors.of(new float[rows], rows);
      Tensor actual = tensors.of(new float[rows], rows);
      new TorchKernels(Precision.FLOAT64).labelIsLargest(given, ids, expected);
      Kernels.of(device).labelIsLargest(given, ids, actual);
      ids.close();
      assertArrayEquals(expected.toFloats(), actual.toFloats());
      for (int t = 0; t < rows - 1; t += 2) {
        assertEquals(1f, actual.toFloats()[t], "row " + t);
      }
      assertEquals(labels[rows - 1] == 0 ? 1f : 0f, actual.toFloats()[rows - 1]);
    }
  }

  @Test
  @Tag("reference")
  void agreesWithTheGoldenCases() {
    try (Device device = Device.cpu(2);
        Fixture golden = new Fixture("kernels/cross_entropy.safetensors");
        Tensors tensors = new Tensors(device)) {
      for (JsonNode setting : Fixture.json("kernels/cross_entropy.json")) {
        String name = setting.get("name").asString();
        Given given =
            new Given(
                tensors.keep(golden.tensor(device, name + ".logits")),
                tensors.ints(Fixture.ints(setting.get("targets"))));
        float[] gradient = golden.floats(name + ".dlogits");
        float[] upstream = golden.floats(name + ".dlosses");
        int vocabulary = gradient.length / upstream.length;
        for (int i = 0; i < gradient.length; i++) {
          gradient[i] /= upstream[i / vocabulary];
        }
        Expected expected = new Expected(golden.floats(name + ".losses"), gradient);
        verify(tensors, Kernels.of(device), given, expected, name);
        verify(tensors, Kernels.reference(device), given, expected, name + " in libtorch");
      }
    }
  }

  @Test
  void theScaleMultipliesTheGradientOnly() {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      Given given = new Given(tensors.normal("logits", 7, 207), tensors.ids("labels", 7, 207));
      Expected one = run(tensors, Kernels.of(device), given, 1f);
      Expected quarter = run(tensors, Kernels.of(device), given, 0.25f);
      assertArrayEquals(one.losses, quarter.losses);
      for (int i = 0; i < one.gradient.length; i++) {
        assertEquals(one.gradient[i] / 4, quarter.gradient[i], 0f); // a power of two is exact
      }
    }
  }

  @Test
  void labelOutsideTheVocabularyIsRefused() {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      Tensor logits = tensors.normal("logits", 2, 7);
      Tensor losses = tensors.empty(2);
      for (int wrong : new int[] {-1, 7, -100}) {
        Tensor labels = tensors.ints(0, wrong);
        String message =
            assertThrows(
                    IllegalStateException.class,
                    () -> Kernels.of(device).crossEntropy(logits, labels, losses))
                .getMessage();
        assertEquals("label " + wrong + " of 7 logits", message);
      }
    }
  }

  @Test
  void notANumberAmongTheLogitsReachesTheLoss() {
    try (Device device = Device.cpu(1);
        Tensors tensors = new Tensors(device)) {
      for (int place : new int[] {0, 5, 9, 12}) {
        float[] logits = Tensors.numbers("logits", 13);
        logits[place] = Float.NaN;
        Tensor losses = tensors.empty(1);
        losses.zero();
        Kernels.of(device).crossEntropy(tensors.of(logits, 1, 13), tensors.ints(3), losses);
        assertTrue(Float.isNaN(losses.toFloats()[0]), "NaN at " + place);
      }
    }
  }

  /**
   * Every exponential errs by {@code EXP} and by the rounding of x − max, U·range; their sum adds
   * V/8 terms a lane, 3 levels and a tail of 7; logarithm and last sum are doubles. A probability
   * has the errors of its exponential and of the sum, and two roundings. libtorch subtracts a
   * rounded logarithm instead: U·(largest logit) more.
   */
  private static void verify(
      Tensors tensors, Kernels kernels, Given given, Expected expected, String what) {
    int vocabulary = Math.toIntExact(given.logits.size(1));
    float[] logits = given.logits.toFloats();
    double largest = max(logits);
    double sum = (vocabulary / 8.0 + 10) * U + EXP + 2 * largest * U;
    Expected actual = run(tensors, kernels, given, 1f);
    assertWithin(expected.losses, actual.losses, i -> sum + 2 * U * largest, what + ": losses");
    double probability = sum + EXP + (4 * largest + 3) * U;
    int[] labels = given.labels.segment().toArray(ValueLayout.JAVA_INT);
    assertWithin(
        expected.gradient,
        actual.gradient,
        i -> {
          boolean label = labels[i / vocabulary] == i % vocabulary;
          double p = expected.gradient[i] + (label ? 1.0 : 0.0);
          return probability * p + (label ? U : 0) + Float.MIN_NORMAL;
        },
        what + ": gradient");
  }

  private static Expected run(Tensors tensors, Kernels kernels, Given given, float scale) {
    Tensor plain = tensors.empty(given.logits.size(0));
    Tensor losses = tensors.empty(given.logits.size(0));
    Tensor gradient = tensors.copy(given.logits);
    kernels.crossEntropy(given.logits, given.labels, plain);
    kernels.crossEntropyWithGradient(gradient, given.labels, losses, scale);
    assertTrue(Arrays.equals(plain.toFloats(), losses.toFloats()), "both forms give one loss");
    return new Expected(losses.toFloats(), gradient.toFloats());
  }
}
