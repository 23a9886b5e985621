package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.adapter.LoraAdapter;
import dev.lorikeet.config.TrainSettings.LossWeighting;
import dev.lorikeet.data.GlobalBatch;
import dev.lorikeet.data.MicroBatch;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.fixture.ReferenceTraining;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** DoRA goes where PEFT goes, with and without dropout; both read each other's files. */
@Tag("reference")
final class DoraReferenceTest {
  /**
   * PEFT's float32 drifts from the same formula in float64 by at most 3.8e-7 in losses, 3.4e-6 in
   * gradient norms and 1.5e-5 in the update, see float32_drift of the fixtures.
   */
  private static final double LOSS_TOLERANCE = 1e-5;

  private static final double GRADIENT_TOLERANCE = 1e-4;
  private static final double UPDATE_TOLERANCE = 2e-4;
  private static final double LOGIT_TOLERANCE = 1e-5;

  @ParameterizedTest
  @CsvSource({
    "tied-gqa, fresh, false",
    "tied-gqa, moved, false",
    "tied-gqa, moved, true",
    "tied-gqa, dropout, false",
    "tied-gqa, dropout, true",
    "mha-bias, fresh, false",
    "mha-bias, moved, false",
    "mha-bias, dropout, false"
  })
  void thirtyStepsAgreeWithPeft(String base, String run, boolean recompute) {
    String folder = "dora/" + base + "/" + run + "/";
    JsonNode expected = Fixture.json(folder + "expected.json");
    JsonNode batches = Fixture.json("dora/" + base + "/batches.json");
    try (Device device = Device.cpu(2);
        LoraAdapter adapter = LoraAdapter.read(Fixture.ROOT.resolve(folder + "start"), device);
        CausalLm model =
            Checkpoints.build(Checkpoints.tiny(base), device, Training.FROZEN, adapter);
        Trainer trainer =
            new Trainer(
                model,
                adapter.parameters(),
                setup(expected.get("settings"), recompute),
                device,
                Collective.solo())) {
      adapter.requireComplete();
      assertEquals(3 * adapter.modules().size(), adapter.parameters().size());
      JsonNode steps = expected.get("steps");
      for (int s = 0; s < steps.size(); s++) {
        StepReport report = trainer.step(batch(s, batches.get(s)));
        String what = " of step " + (s + 1);
        close(steps.get(s).get("loss"), report.loss(), LOSS_TOLERANCE, "loss" + what);
        close(steps.get(s).get("grad_norm"), report.gradNorm(), GRADIENT_TOLERANCE, "norm" + what);
      }
      assertEquals(30, steps.size());
      compareUpdates(adapter.parameters(), folder + "start", folder + "final");
    }
  }

  /** Of matrices and of magnitudes, which PEFT's run has moved too. */
  static void compareUpdates(List<Parameter> parameters, String start, String end) {
    Map<String, double[]> sums = new HashMap<>();
    try (Fixture before = new Fixture(start + "/adapter_model.safetensors");
        Fixture after = new Fixture(end + "/adapter_model.safetensors")) {
      for (Parameter parameter : parameters) {
        String key = "base_model.model." + parameter.name();
        float[] first = before.floats(key);
        float[] last = after.floats(key);
        float[] ours = parameter.value().toFloats();
        String kind = parameter.name().contains("magnitude") ? "magnitudes" : "matrices";
        double[] sum = sums.computeIfAbsent(kind, _ -> new double[2]);
        for (int i = 0; i < ours.length; i++) {
          double theirs = (double) last[i] - first[i];
          sum[0] += Math.pow((double) ours[i] - first[i] - theirs, 2);
          sum[1] += theirs * theirs;
        }
      }
    }
    assertEquals(2, sums.size());
    sums.forEach((kind, sum) -> {
      double relative = Math.sqrt(sum[0] / sum[1]);
      assertTrue(Math.sqrt(sum[1]) > 0.1, kind + " moved by " + Math.sqrt(sum[1]));
      assertTrue(relative <= UPDATE_TOLERANCE, kind + "' update differs by " + relative);
    });
  }

  @ParameterizedTest
  @CsvSource({"tied-gqa, fresh", "tied-gqa, dropout", "mha-bias, moved"})
  void peftsAdaptersGivePeftsLogits(String base, String run) {
    String folder = "dora/" + base + "/" + run + "/";
    for (String end : List.of("start", "final")) {
      Path files = Fixture.ROOT.resolve(folder + end);
      try (Device device = Device.cpu(2);
          LoraAdapter adapter = LoraAdapter.read(files, device);
          CausalLm model =
              Checkpoints.build(Checkpoints.tiny(base), device, Training.FROZEN, adapter);
          Fixture expected = new Fixture(folder + "logits.safetensors")) {
        adapter.requireComplete();
        int[] tokens = Fixture.ints(Fixture.json(folder + "logits.json").get("tokens"));
        Close.assertRelative(
            expected.floats("logits." + end),
            Checkpoints.logits(model, device, tokens),
            LOGIT_TOLERANCE,
            base + " " + run + " " + end);
      }
    }
  }

  private static TrainingSetup setup(JsonNode settings, boolean recompute) {
    return new TrainingSetup(
        ReferenceTraining.learningRate(settings),
        ReferenceTraining.adamW(settings),
        settings.get("max_grad_norm").asDouble(),
        LossWeighting.TOKEN,
        settings.get("mask_seed").asLong(),
        true,
        recompute);
  }

  private static GlobalBatch batch(int step, JsonNode examples) {
    MicroBatch all = new MicroBatch(ReferenceTraining.examples(examples));
    return new GlobalBatch(step, 0, List.of(all));
  }

  private static void close(JsonNode expected, double actual, double tolerance, String what) {
    double error = Math.abs(actual - expected.asDouble()) / Math.abs(expected.asDouble());
    assertTrue(error <= tolerance, what + ": " + actual + ", expected " + expected);
  }
}
