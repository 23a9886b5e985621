package dev.lorikeet.format;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.FormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PickleFilesTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "pytorch_model.bin",
        "pytorch_model-00001-of-00002.bin",
        "pytorch_model.bin.index.json",
        "consolidated.00.pth",
        "model.pt",
        "last.CKPT"
      })
  void aFolderOfPicklesIsRefusedWithTheReasonAndTheWayOut(String name) throws IOException {
    Files.writeString(folder.resolve("config.json"), "{}");
    Files.writeString(folder.resolve(name), "pickle");
    String message =
        String.valueOf(
            assertThrows(FormatException.class, () -> HfCheckpoint.open(folder).close())
                .getMessage());
    assertTrue(message.startsWith(folder.resolve(name).toString()), message);
    assertTrue(message.contains("because they can run code"), message);
    assertTrue(message.contains("from_pretrained('" + folder + "').save_pretrained("), message);
    if (!name.endsWith(".json")) {
      assertThrows(FormatException.class, () -> PickleFiles.refuse(folder.resolve(name)));
    }
  }

  @Test
  void besideSafetensorsPicklesAreNotLookedAt() throws IOException {
    Files.writeString(folder.resolve("config.json"), "{}");
    Files.writeString(folder.resolve("pytorch_model.bin"), "pickle");
    SafeTensorsWriter.write(folder.resolve("model.safetensors"), Map.of(), Map.of());
    HfCheckpoint.open(folder).close();
  }

  @Test
  void whatTrainersLeaveIsNoModel() throws IOException {
    Files.writeString(folder.resolve("config.json"), "{}");
    Files.writeString(folder.resolve("training_args.bin"), "pickle");
    String message =
        String.valueOf(
            assertThrows(FormatException.class, () -> HfCheckpoint.open(folder).close())
                .getMessage());
    assertTrue(message.contains("the model folder has no weights"), message);
  }
}
