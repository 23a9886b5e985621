package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.eval.ExactMatch;
import dev.lorikeet.eval.ExactMatch.Item;
import dev.lorikeet.format.HfCheckpoint;
import dev.lorikeet.format.JsonConfig;
import dev.lorikeet.model.LlamaConfig;
import dev.lorikeet.nano.Tickets;
import dev.lorikeet.pretrain.NanoSettings;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tokenizer.HfTokenizer;
import dev.lorikeet.tokenizer.Tokenizer;
import dev.lorikeet.torch.Device;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("native")
final class EmbeddedNanoTest {
  private static final long WEIGHTS_LIMIT_BYTES = 8_000_000;

  @Test
  void theCheckpointIsTheOneThatTheSettingsDescribe() throws IOException {
    Path directory = EmbeddedNano.directory();
    assertTrue(Files.size(directory.resolve("model.safetensors")) <= WEIGHTS_LIMIT_BYTES);
    JsonConfig config = JsonConfig.read(directory.resolve("config.json"));
    assertEquals(NanoSettings.embedded().llama(), LlamaConfig.read(config));
    try (HfCheckpoint checkpoint = HfCheckpoint.open(directory)) {
      long parameters = checkpoint.parameterCount();
      assertTrue(parameters >= 1_500_000 && parameters <= 4_000_000, parameters + " parameters");
    }
  }

  @Test
  void digitsAreTokensOfTheirOwn() {
    try (Tokenizer tokenizer = HfTokenizer.open(EmbeddedNano.directory())) {
      int[] one = tokenizer.encode("7");
      assertEquals(1, one.length);
      assertEquals(List.of(one[0], one[0], one[0]), boxed(tokenizer.encode("777")));
      assertTrue(tokenizer.eosId().isPresent());
    }
  }

  @Test
  void theBaseModelDoesNotKnowTheTask() {
    List<Item> items =
        new Tickets(42)
            .test().stream().map(row -> new Item(row.prompt(), row.completion())).toList();
    try (Device device = Device.cpu(2);
        LoadedModel nano = LoadedModel.open("nano", Optional.empty(), device)) {
      ExactMatch.Result result =
          new ExactMatch(nano.tokenizer(), device).evaluate(nano.model(), items);
      assertEquals(200, result.answers().size());
      assertTrue(result.score() <= 0.02, "the base model scores " + result.score());
      assertFalse(nano.model().parameters().stream().anyMatch(Parameter::isTrainable));
    }
  }

  private static List<Integer> boxed(int[] ids) {
    return java.util.Arrays.stream(ids).boxed().toList();
  }
}
