package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.lorikeet.data.Example;
import dev.lorikeet.data.PackedBatch;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** The losses of an example are its own: neither its neighbours nor their number are in them. */
@Tag("reference")
final class PackedLossTest {
  /**
   * float32 sums of at most 172 terms in three layers, in another order where the products have
   * other shapes; transformers' own logits are 2e-6 from their float64.
   */
  private static final double RELATIVE_TOLERANCE = 1e-5;

  @ParameterizedTest
  @ValueSource(strings = {"tied-gqa", "untied-odd", "mha-bias", "llama3-rope"})
  void anExampleInAPackHasTheLossesItHasAlone(String name) {
    try (Device device = Device.cpu(2);
        CausalLm model = model(name, device)) {
      LanguageModelLoss loss = new LanguageModelLoss(model, device);
      List<Example> examples = examples(0, model.vocabularySize());
      float[] packed = loss.losses(PackedBatch.of(examples));
      int at = 0;
      for (Example example : examples) {
        float[] alone = loss.losses(PackedBatch.of(List.of(example)));
        assertEquals(example.labelCount(), alone.length);
        float[] mine = Arrays.copyOfRange(packed, at, at + alone.length);
        Close.assertRelative(alone, mine, RELATIVE_TOLERANCE, name + " example " + example.id());
        at += alone.length;
      }
      assertEquals(packed.length, at);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"tied-gqa", "untied-odd", "mha-bias", "llama3-rope"})
  void otherNeighboursOfTheSameLengthChangeNoBit(String name) {
    try (Device device = Device.cpu(2);
        CausalLm model = model(name, device)) {
      LanguageModelLoss loss = new LanguageModelLoss(model, device);
      List<Example> examples = examples(0, model.vocabularySize());
      List<Example> strangers = examples(100, model.vocabularySize());
      float[] expected = loss.losses(PackedBatch.of(examples));
      for (int kept = 0; kept < examples.size(); kept++) {
        List<Example> mixed = new ArrayList<>(strangers);
        mixed.set(kept, examples.get(kept));
        float[] actual = loss.losses(PackedBatch.of(mixed));
        int from = examples.subList(0, kept).stream().mapToInt(Example::labelCount).sum();
        int to = from + examples.get(kept).labelCount();
        assertArrayEquals(
            Arrays.copyOfRange(expected, from, to), Arrays.copyOfRange(actual, from, to));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"tied-gqa", "untied-odd", "mha-bias", "llama3-rope", "linear-rope"})
  void packedLossesAreTransformersLogProbabilities(String name) {
    List<Example> examples = new ArrayList<>();
    List<Double> expected = new ArrayList<>();
    for (JsonNode sequence : Fixture.json("llama/" + name + "/expected.json").get("sequences")) {
      examples.add(new Example(examples.size(), Fixture.ints(sequence.get("tokens")), 1));
      sequence.get("log_probs").forEach(value -> expected.add(-value.asDouble()));
    }
    assertFalse(expected.isEmpty());
    try (Device device = Device.cpu(2);
        CausalLm model = model(name, device)) {
      float[] losses = new LanguageModelLoss(model, device).losses(PackedBatch.of(examples));
      float[] wanted = new float[expected.size()];
      for (int i = 0; i < wanted.length; i++) {
        wanted[i] = expected.get(i).floatValue();
      }
      Close.assertRelative(wanted, losses, RELATIVE_TOLERANCE, name);
    }
  }

  private static CausalLm model(String name, Device device) {
    return Checkpoints.build(
        Checkpoints.tiny(name), device, Training.FROZEN, Linear.Wrapper.none());
  }

  private static List<Example> examples(long seed, int vocabulary) {
    List<Example> examples = new ArrayList<>();
    int[] lengths = {13, 1, 31, 2, 47, 5};
    for (int i = 0; i < lengths.length; i++) {
      int[] tokens = Checkpoints.tokens(seed + i, lengths[i], vocabulary);
      examples.add(new Example(i, tokens, Math.max(1, lengths[i] / 3)));
    }
    return examples;
  }
}
