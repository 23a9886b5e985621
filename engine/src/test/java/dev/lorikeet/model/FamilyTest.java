package dev.lorikeet.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.adapter.LoraAdapter;
import dev.lorikeet.data.Example;
import dev.lorikeet.data.PackedBatch;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.FamilyFixture;
import dev.lorikeet.fixture.FamilyFixture.ConfigForm;
import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.generate.Generator;
import dev.lorikeet.generate.Sampling;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.Pass;
import dev.lorikeet.nn.PassOptions;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.tape.Var;
import dev.lorikeet.torch.Device;
import dev.lorikeet.train.LanguageModelLoss;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/** Every family computes what transformers computes, and its LoRA gradients are PEFT's. */
@Tag("reference")
final class FamilyTest {
  /**
   * float32 sums of at most 60 terms in four layers: transformers' own logits are up to 2.4e-6 from
   * float64.
   */
  private static final double RELATIVE_TOLERANCE = 1e-5;

  /** PEFT's own gradients are up to 5.2e-6 from float64. */
  private static final double GRADIENT_TOLERANCE = 2e-5;

  private static final int NEW_TOKENS = 12;

  @TempDir private Path folder;

  static List<String> variants() {
    return FamilyFixture.variants();
  }

  @ParameterizedTest
  @MethodSource("variants")
  void logitsAreThoseOfTransformers(String variant) throws IOException {
    FamilyFixture fixture = new FamilyFixture(variant);
    for (ConfigForm form : ConfigForm.values()) {
      Path model = Files.createDirectories(folder.resolve(form.name()));
      fixture.writeCheckpoint(model, form);
      assertLogits(fixture, model, variant + " " + form);
    }
  }

  private static void assertLogits(FamilyFixture fixture, Path folder, String what) {
    try (Device device = Device.cpu(2);
        CausalLm model = Checkpoints.build(folder, device, Training.FROZEN, Linear.Wrapper.none());
        Fixture expected = fixture.logits()) {
      int count = fixture.expected().get("sequences").size();
      for (int i = 0; i < count; i++) {
        Close.assertRelative(
            expected.floats("logits." + i),
            Checkpoints.logits(model, device, fixture.tokens(i)),
            RELATIVE_TOLERANCE,
            what + " sequence " + i);
      }
      assertEquals(4, count);
    }
  }

  @ParameterizedTest
  @MethodSource("variants")
  void aSecondModelAgreesToo(String variant) {
    FamilyFixture fixture = new FamilyFixture(variant);
    fixture.writeSecondCheckpoint(folder);
    try (Device device = Device.cpu(1);
        CausalLm model = Checkpoints.build(folder, device, Training.FROZEN, Linear.Wrapper.none());
        Fixture expected = fixture.logits()) {
      int[] tokens = Fixture.ints(fixture.expected().get("second_seed").get("tokens"));
      Close.assertRelative(
          expected.floats("second_seed"),
          Checkpoints.logits(model, device, tokens),
          RELATIVE_TOLERANCE,
          variant);
    }
  }

  @ParameterizedTest
  @MethodSource("variants")
  void packedSequencesAreThemselves(String variant) {
    FamilyFixture fixture = new FamilyFixture(variant);
    fixture.writeCheckpoint(folder, ConfigForm.CURRENT);
    List<Example> examples = new ArrayList<>();
    for (int i : new int[] {3, 1, 2, 0}) {
      examples.add(new Example(i, fixture.tokens(i), 1));
    }
    try (Device device = Device.cpu(2);
        CausalLm model = Checkpoints.build(folder, device, Training.FROZEN, Linear.Wrapper.none());
        Fixture expected = fixture.logits();
        Pass pass = Pass.inference(device, LanguageModelLoss.sequences(PackedBatch.of(examples)))) {
      Var normed = model.finalNorm().forward(pass, model.hidden(pass));
      float[] logits = model.logits(pass, normed).value().toFloats();
      int from = 0;
      for (Example example : examples) {
        float[] own = expected.floats("logits." + example.id());
        Close.assertRelative(
            own,
            Arrays.copyOfRange(logits, from, from + own.length),
            RELATIVE_TOLERANCE,
            variant + " sequence " + example.id());
        from += own.length;
      }
    }
  }

  /** With a cache and many at once, what the reference gives without one. */
  @ParameterizedTest
  @MethodSource("variants")
  void greedyTokensAreThoseOfTransformers(String variant) {
    FamilyFixture fixture = new FamilyFixture(variant);
    fixture.writeCheckpoint(folder, ConfigForm.CURRENT);
    JsonNode greedy = fixture.expected().get("greedy");
    List<int[]> prompts =
        greedy.valueStream().map(entry -> Fixture.ints(entry.get("prompt"))).toList();
    try (Device device = Device.cpu(2);
        CausalLm model =
            Checkpoints.build(folder, device, Training.FROZEN, Linear.Wrapper.none())) {
      Generator generator = new Generator(model, device, OptionalInt.empty());
      List<Generator.Continuation> together =
          generator.generate(prompts, NEW_TOKENS, Sampling.GREEDY);
      for (int i = 0; i < prompts.size(); i++) {
        int[] expected = Fixture.ints(greedy.get(i).get("continuation"));
        assertArrayEquals(expected, together.get(i).ids(), variant + " prompt " + i);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("variants")
  void gradientsOfALoraStepArePefts(String variant) throws IOException {
    FamilyFixture fixture = new FamilyFixture(variant);
    Path base = Files.createDirectories(folder.resolve("base"));
    Path start = Files.createDirectories(folder.resolve("adapter"));
    fixture.writeCheckpoint(base, ConfigForm.CURRENT);
    fixture.writeAdapter(start);
    JsonNode lora = fixture.expected().get("lora");
    int[] tokens = fixture.tokens(lora.get("sequence").asInt());
    for (boolean recompute : new boolean[] {false, true}) {
      try (Device device = Device.cpu(2);
          LoraAdapter adapter = LoraAdapter.read(start, device);
          CausalLm model = Checkpoints.adapted(base, device, adapter);
          Fixture expected = fixture.gradients()) {
        adapter.requireComplete();
        PassOptions options = new PassOptions(Optional.empty(), Optional.empty(), recompute);
        float[] losses =
            new LanguageModelLoss(model, device)
                .lossesWithGradients(
                    PackedBatch.of(List.of(new Example(0, tokens, 1))),
                    1f / (tokens.length - 1),
                    options);
        double sum = 0;
        for (float loss : losses) {
          sum += loss;
        }
        assertEquals(lora.get("loss").asDouble(), sum / losses.length, 1e-5 * sum, variant);
        int compared = 0;
        for (Parameter parameter : adapter.parameters()) {
          float[] reference = expected.floats(peftName(parameter.name()));
          double error = Close.frobenius(reference, parameter.gradient().orElseThrow().toFloats());
          assertTrue(
              error <= GRADIENT_TOLERANCE,
              "%s %s: %.2e".formatted(variant, parameter.name(), error));
          compared++;
        }
        assertEquals(lora.get("tensors").size(), compared);
      }
    }
  }

  private static String peftName(String parameter) {
    return parameter.startsWith("base_model.") ? parameter : "base_model.model." + parameter;
  }
}
