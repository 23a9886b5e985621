package dev.lorikeet.model;

import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.Pass;
import dev.lorikeet.nn.Sequences;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.tape.Var;
import dev.lorikeet.torch.Device;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

@Tag("reference")
final class LlamaTest {
  /** float32 sums of at most 172 terms in three layers; the reference itself drifts by 2e-6. */
  private static final double RELATIVE_TOLERANCE = 1e-5;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tied-gqa",
        "untied-odd",
        "mha-bias",
        "llama3-rope",
        "linear-rope",
        "tied-gqa-sharded",
        "tied-gqa-bfloat16",
        "tied-gqa-float16"
      })
  void logitsAgreeWithTransformers(String name) {
    // The shards hold the same weights as the single file.
    String expectedName = name.replace("-sharded", "");
    String folder = "llama/" + expectedName + "/";
    try (Device device = Device.cpu(2);
        CausalLm model =
            Checkpoints.build(
                Checkpoints.tiny(name), device, Training.FROZEN, Linear.Wrapper.none());
        Fixture expected = new Fixture(folder + "logits.safetensors")) {
      List<int[]> sequences = sequences(expectedName);
      for (int i = 0; i < sequences.size(); i++) {
        float[] actual = logits(model, device, sequences.get(i));
        Close.assertRelative(
            expected.floats("logits." + i), actual, RELATIVE_TOLERANCE, name + " sequence " + i);
      }
      assertFalse(sequences.isEmpty());
    }
  }

  static float[] logits(CausalLm model, Device device, int[] tokens) {
    try (Pass pass = Pass.inference(device, Sequences.of(tokens))) {
      Var normed = model.finalNorm().forward(pass, model.hidden(pass));
      return model.head().forward(pass, normed).value().toFloats();
    }
  }

  private static List<int[]> sequences(String name) {
    List<int[]> sequences = new ArrayList<>();
    for (JsonNode sequence : Fixture.json("llama/" + name + "/expected.json").get("sequences")) {
      sequences.add(Fixture.ints(sequence.get("tokens")));
    }
    return sequences;
  }
}
