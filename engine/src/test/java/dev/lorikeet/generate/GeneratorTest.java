package dev.lorikeet.generate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.generate.Generator.Continuation;
import dev.lorikeet.generate.Generator.Stop;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Continuations are transformers', alone and together, with a cache. */
@Tag("reference")
final class GeneratorTest {
  private static final int NEW_TOKENS = 20;

  private static final class Case {
    final int[] prompt;
    final int[] continuation;

    Case(JsonNode greedy) {
      prompt = Fixture.ints(greedy.get("prompt"));
      continuation = Fixture.ints(greedy.get("continuation"));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tied-gqa",
        "untied-odd",
        "mha-bias",
        "llama3-rope",
        "linear-rope",
        "tied-gqa-bfloat16",
        "tied-gqa-float16"
      })
  void greedyTokensAreThoseOfTransformers(String name) {
    List<Case> cases = cases(name);
    List<int[]> prompts = cases.stream().map(c -> c.prompt).toList();
    try (Device device = Device.cpu(2);
        CausalLm model = model(name, device)) {
      Generator generator = new Generator(model, device, OptionalInt.empty());
      List<Continuation> together = generator.generate(prompts, NEW_TOKENS, Sampling.GREEDY);
      for (int i = 0; i < cases.size(); i++) {
        int[] expected = cases.get(i).continuation;
        assertArrayEquals(expected, together.get(i).ids(), name + " together, prompt " + i);
        assertEquals(Stop.LENGTH, together.get(i).stop());
        List<Continuation> alone =
            generator.generate(List.of(prompts.get(i)), NEW_TOKENS, Sampling.GREEDY);
        assertArrayEquals(expected, alone.getFirst().ids(), name + " alone, prompt " + i);
      }
    }
  }

  @Test
  void aSequenceThatIsDoneLeavesTheOthersAsTheyAre() {
    List<Case> cases = cases("tied-gqa");
    int[] first = cases.get(0).continuation;
    int[] second = cases.get(1).continuation;
    int end = first[2];
    int secondEnd = indexOf(second, end);
    try (Device device = Device.cpu(2);
        CausalLm model = model("tied-gqa", device)) {
      Generator generator = new Generator(model, device, OptionalInt.of(end));
      List<Continuation> texts =
          generator.generate(
              cases.stream().map(c -> c.prompt).toList(), NEW_TOKENS, Sampling.GREEDY);
      assertArrayEquals(Arrays.copyOf(first, 2), texts.get(0).ids());
      assertEquals(Stop.END_TOKEN, texts.get(0).stop());
      assertArrayEquals(Arrays.copyOf(second, secondEnd), texts.get(1).ids());
      assertTrue(secondEnd > 2, "the second goes on when the first has ended");
    }
  }

  @Test
  void aFullContextEndsASequenceAndNothingWritesBehindIt() {
    try (Device device = Device.cpu(2);
        CausalLm model = model("tied-gqa", device)) {
      int context = model.contextLength();
      int[] prompt = Checkpoints.tokens(7, context - 3, model.vocabularySize());
      Continuation text =
          new Generator(model, device, OptionalInt.empty())
              .generate(List.of(prompt), NEW_TOKENS, Sampling.GREEDY)
              .getFirst();
      assertEquals(Stop.CONTEXT, text.stop());
      // The last token that fits is read; the one after it is still told.
      assertEquals(4, text.tokens().size());
    }
  }

  @Test
  void sampledTokensDependOnSeedAndPlaceOnly() {
    List<int[]> prompts = cases("tied-gqa").stream().map(c -> c.prompt).toList();
    try (Device device = Device.cpu(2);
        CausalLm model = model("tied-gqa", device)) {
      Generator generator = new Generator(model, device, OptionalInt.empty());
      List<Continuation> once = generator.generate(prompts, NEW_TOKENS, new Sampling(1, 0.9, 5));
      assertEquals(once, generator.generate(prompts, NEW_TOKENS, new Sampling(1, 0.9, 5)));
      assertTrue(!once.equals(generator.generate(prompts, NEW_TOKENS, new Sampling(1, 0.9, 6))));
      assertEquals(
          once.getFirst(),
          generator
              .generate(prompts.subList(0, 1), NEW_TOKENS, new Sampling(1, 0.9, 5))
              .getFirst());
    }
  }

  @Test
  void noTokenIsMadeWhereNoneIsAskedFor() {
    try (Device device = Device.cpu(1);
        CausalLm model = model("mha-bias", device)) {
      List<Continuation> texts =
          new Generator(model, device, OptionalInt.empty())
              .generate(List.of(new int[] {1, 2}), 0, Sampling.GREEDY);
      assertEquals(List.of(), texts.getFirst().tokens());
      assertEquals(Stop.LENGTH, texts.getFirst().stop());
    }
  }

  private static CausalLm model(String name, Device device) {
    return Checkpoints.build(
        Checkpoints.tiny(name), device, Training.FROZEN, Linear.Wrapper.none());
  }

  private static List<Case> cases(String name) {
    List<Case> cases = new ArrayList<>();
    for (JsonNode greedy : Fixture.json("llama/" + name + "/expected.json").get("greedy")) {
      cases.add(new Case(greedy));
    }
    assertEquals(2, cases.size());
    return cases;
  }

  private static int indexOf(int[] values, int wanted) {
    for (int i = 0; i < values.length; i++) {
      if (values[i] == wanted) {
        return i;
      }
    }
    return values.length;
  }
}
