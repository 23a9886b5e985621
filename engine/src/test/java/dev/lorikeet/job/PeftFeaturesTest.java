package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.adapter.LoraAdapter;
import dev.lorikeet.config.AdapterSettings;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.config.TrainSettings.LossWeighting;
import dev.lorikeet.data.GlobalBatch;
import dev.lorikeet.data.MicroBatch;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.fixture.ReferenceTraining;
import dev.lorikeet.format.SafeTensors;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.torch.Device;
import dev.lorikeet.train.AdamW;
import dev.lorikeet.train.Collective;
import dev.lorikeet.train.StepReport;
import dev.lorikeet.train.Trainer;
import dev.lorikeet.train.TrainingSetup;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Every key of LoraConfig means what it means in PEFT: files, logits, training. */
@Tag("reference")
final class PeftFeaturesTest {
  /** float32 sums of at most 172 terms in three layers, as in LoraAdapterTest. */
  private static final double LOGIT_TOLERANCE = 1e-5;

  /** The reference's own float32 drift is up to 1.9e-6 in losses and 2e-5 in gradient norms. */
  private static final double LOSS_TOLERANCE = 2e-5;

  private static final double GRADIENT_TOLERANCE = 2e-4;

  /** Twelve updates of up to 2e-3 each carry the drift of the gradients into the logits. */
  private static final double TRAINED_TOLERANCE = 1e-4;

  private static final String ROOT = "lora/";

  /** Folders below the root. */
  static final List<String> VARIANTS =
      List.of(
          "patterns",
          "rslora-patterns",
          "layers-excluded",
          "saved",
          "saved-mlp",
          "saved-tied-head",
          "saved-tied-embedding",
          "embedding",
          "embedding-head",
          "expression",
          "pissa");

  @TempDir private Path folder;

  @ParameterizedTest
  @FieldSource("VARIANTS")
  void peftsFilesGivePeftsLogits(String variant) {
    // PEFT's conversion of a trained PiSSA is an adapter of the original base.
    String when = variant.equals("pissa") ? "after." : "before.";
    JsonNode expected = Fixture.json(ROOT + variant + "/expected.json");
    try (Device device = Device.cpu(2);
        LoraAdapter adapter = LoraAdapter.read(files(variant), device);
        CausalLm model = build(expected, device, adapter)) {
      adapter.requireComplete();
      assertLogits(variant, when, model, device, LOGIT_TOLERANCE);
    }
  }

  @ParameterizedTest
  @FieldSource("VARIANTS")
  void twelveStepsGoWherePeftGoesAndComeBackFromFiles(String variant) {
    JsonNode expected = Fixture.json(ROOT + variant + "/expected.json");
    try (Device device = Device.cpu(2);
        LoraAdapter adapter =
            variant.equals("pissa")
                ? AdapterRecipe.adapter(recipe(expected), device, 1)
                : LoraAdapter.read(files(variant), device);
        CausalLm model = build(expected, device, adapter)) {
      adapter.requireComplete();
      assertEquals(
          expected.get("trained").asLong(),
          adapter.parameters().stream().mapToLong(p -> p.value().elements()).sum());
      train(expected, adapter, model, device);
      assertLogits(variant, "after.", model, device, TRAINED_TOLERANCE);
      adapter.write(folder, "base");
      int[] tokens = Fixture.ints(expected.get("sequences").get(1));
      float[] trained = Checkpoints.logits(model, device, tokens);
      try (LoraAdapter read = LoraAdapter.read(folder, device);
          CausalLm again = build(expected, device, read)) {
        read.requireComplete();
        float[] restored = Checkpoints.logits(again, device, tokens);
        if (variant.equals("pissa")) {
          Close.assertRelative(trained, restored, LOGIT_TOLERANCE, variant + " on its own base");
        } else {
          assertArrayEquals(trained, restored);
        }
      }
    }
  }

  @ParameterizedTest
  @FieldSource("VARIANTS")
  void theSameSettingsGivePeftsConfigurationAndKeys(String variant) {
    JsonNode expected = Fixture.json(ROOT + variant + "/expected.json");
    try (Device device = Device.cpu(2);
        LoraAdapter adapter = AdapterRecipe.adapter(recipe(expected), device, 1);
        CausalLm _ = build(expected, device, adapter)) {
      adapter.requireComplete();
      adapter.write(folder, expected.get("base").asString());
    }
    JsonNode ours = JsonMapper.shared().readTree(folder.resolve("adapter_config.json").toFile());
    JsonNode pefts = Fixture.json(ROOT + variant + "/adapter/adapter_config.json");
    for (String key : ours.propertyNames()) {
      if (key.equals("target_modules") && variant.equals("expression")) {
        // An expression is written as the modules that it matched.
        assertEquals(4, ours.get(key).size());
      } else if (pefts.get(key).isArray()) {
        assertEquals(texts(pefts.get(key)), texts(ours.get(key)), key);
      } else if (pefts.get(key).isObject()) {
        assertEquals(numbers(pefts.get(key)), numbers(ours.get(key)), key);
      } else if (pefts.get(key).isNumber()) {
        assertEquals(pefts.get(key).asDouble(), ours.get(key).asDouble(), 1e-12, key);
      } else {
        assertEquals(pefts.get(key), ours.get(key), key);
      }
    }
    Map<String, List<Long>> keys = shapes(files(variant));
    // PEFT adds copies of the base's embeddings, which it does not need.
    keys.keySet().removeIf(key -> key.contains(".base_layer."));
    assertEquals(keys, shapes(folder));
  }

  private static Path files(String variant) {
    return Fixture.ROOT.resolve(ROOT + variant + "/adapter");
  }

  private static CausalLm build(JsonNode expected, Device device, LoraAdapter adapter) {
    return Checkpoints.adapted(Checkpoints.tiny(expected.get("base").asString()), device, adapter);
  }

  /** The recipe's adapter section with the arguments that PEFT got. */
  private static AdapterSettings recipe(JsonNode expected) {
    List<String> overrides = new ArrayList<>();
    expected
        .get("recipe")
        .properties()
        .forEach(entry -> overrides.add("adapter." + entry.getKey() + "=" + entry.getValue()));
    return RunConfig.of("m", Path.of("t")).with(overrides.toArray(String[]::new)).adapter();
  }

  private static void assertLogits(
      String variant, String when, CausalLm model, Device device, double tolerance) {
    JsonNode sequences = Fixture.json(ROOT + variant + "/expected.json").get("sequences");
    try (Fixture logits = new Fixture(ROOT + variant + "/logits.safetensors")) {
      for (int i = 0; i < sequences.size(); i++) {
        Close.assertRelative(
            logits.floats(when + i),
            Checkpoints.logits(model, device, Fixture.ints(sequences.get(i))),
            tolerance,
            variant + " " + when + i);
      }
    }
    assertEquals(2, sequences.size());
  }

  private static void train(JsonNode expected, LoraAdapter adapter, CausalLm model, Device device) {
    JsonNode settings = expected.get("settings");
    JsonNode batches =
        Fixture.json("training/" + expected.get("base").asString() + "/batches.json");
    JsonNode steps = expected.get("steps");
    try (Trainer trainer = trainer(model, adapter.parameters(), settings, device)) {
      for (int s = 0; s < steps.size(); s++) {
        StepReport report = trainer.step(batch(s, batches.get(s)));
        close(steps.get(s), "loss", report.loss(), LOSS_TOLERANCE);
        close(steps.get(s), "grad_norm", report.gradNorm(), GRADIENT_TOLERANCE);
      }
    }
    assertEquals(12, steps.size());
  }

  private static Trainer trainer(
      CausalLm model, List<Parameter> parameters, JsonNode settings, Device device) {
    TrainingSetup setup =
        new TrainingSetup(
            ReferenceTraining.learningRate(settings),
            AdamW.Settings.withDecay(settings.get("weight_decay").asDouble()),
            settings.get("max_grad_norm").asDouble(),
            LossWeighting.TOKEN,
            0,
            true,
            false);
    return new Trainer(model, parameters, setup, device, Collective.solo());
  }

  private static GlobalBatch batch(int step, JsonNode examples) {
    MicroBatch all = new MicroBatch(ReferenceTraining.examples(examples));
    return new GlobalBatch(step, 0, List.of(all));
  }

  private static void close(JsonNode step, String key, double found, double tolerance) {
    double expected = step.get(key).asDouble();
    double error = Math.abs(found - expected) / Math.abs(expected);
    assertTrue(
        error <= tolerance,
        "%s of step %s: %s, expected %s".formatted(key, step.get("step"), found, expected));
  }

  private static Set<String> texts(JsonNode array) {
    Set<String> texts = new TreeSet<>();
    array.forEach(item -> texts.add(item.toString()));
    return texts;
  }

  private static Map<String, Double> numbers(JsonNode object) {
    Map<String, Double> numbers = new TreeMap<>();
    object.properties().forEach(entry -> numbers.put(entry.getKey(), entry.getValue().asDouble()));
    return numbers;
  }

  private static Map<String, List<Long>> shapes(Path directory) {
    Map<String, List<Long>> shapes = new TreeMap<>();
    try (SafeTensors file = SafeTensors.open(directory.resolve("adapter_model.safetensors"))) {
      file.entries().forEach((name, entry) -> shapes.put(name, entry.shape()));
    }
    return shapes;
  }
}
