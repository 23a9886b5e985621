package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.FormatException;
import dev.lorikeet.fixture.FamilyFixture;
import dev.lorikeet.fixture.FamilyFixture.ConfigForm;
import dev.lorikeet.fixture.WordTokenizer;
import dev.lorikeet.format.HfCheckpoint;
import dev.lorikeet.format.SafeTensorsWriter;
import dev.lorikeet.format.StoredType;
import dev.lorikeet.format.TensorData;
import dev.lorikeet.format.TensorEntry;
import dev.lorikeet.torch.Device;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tensors that are missing, have another shape, or have no place, are told by name. */
final class TensorFitTest {
  @TempDir private Path folder;

  private void write(String variant, Consumer<Map<String, TensorData>> change) {
    new FamilyFixture(variant).writeCheckpoint(folder, ConfigForm.CURRENT);
    Map<String, TensorData> tensors = new TreeMap<>();
    try (HfCheckpoint files = HfCheckpoint.open(folder)) {
      for (String name : files.names()) {
        TensorEntry entry = files.entry(name);
        MemorySegment copy =
            MemorySegment.ofArray(files.bytes(name).toArray(ValueLayout.JAVA_BYTE));
        tensors.put(name, new TensorData(entry.type(), entry.shape(), copy));
      }
    }
    change.accept(tensors);
    SafeTensorsWriter.write(folder.resolve("model.safetensors"), tensors, Map.of("format", "pt"));
  }

  private static TensorData tensor(long... shape) {
    List<Long> lengths = Arrays.stream(shape).boxed().toList();
    int count = Math.toIntExact(lengths.stream().reduce(1L, Math::multiplyExact));
    return new TensorData(StoredType.F32, lengths, MemorySegment.ofArray(new float[count]));
  }

  private List<String> warnings() {
    return Inspection.of(folder.toString()).warnings();
  }

  @Test
  void whatTheModelHasNoPlaceForIsTold() {
    write("llama", tensors -> tensors.put("model.layers.7.mlp.up_proj.weight", tensor(2, 3)));
    String told = warnings().getFirst();
    assertTrue(
        told.startsWith(
            "the files hold a tensor that the model of config.json has no place for: model.layers.7.mlp.up_proj.weight."),
        told);
  }

  @Test
  void masksOfOldCheckpointsAreNotTold() {
    write(
        "gpt2",
        tensors -> {
          tensors.put("transformer.h.0.attn.bias", tensor(1, 1, 4, 4));
          tensors.put("transformer.h.0.attn.masked_bias", tensor(1));
        });
    assertTrue(warnings().stream().noneMatch(told -> told.contains("no place")));
  }

  @Test
  void frequenciesOfOldCheckpointsAreNotTold() {
    write(
        "llama", tensors -> tensors.put("model.layers.0.self_attn.rotary_emb.inv_freq", tensor(3)));
    assertTrue(warnings().stream().noneMatch(told -> told.contains("no place")));
  }

  @Test
  void aTiedHeadThatIsStoredTwiceIsInItsPlace() {
    write(
        "llama-mqa-tied",
        tensors -> tensors.put("lm_head.weight", tensors.get("model.embed_tokens.weight")));
    assertTrue(warnings().stream().noneMatch(told -> told.contains("no place")));
  }

  @Test
  void allThatIsMissingIsToldAtOnceWhenAModelIsLoaded() {
    write(
        "llama",
        tensors -> {
          tensors.remove("model.layers.1.mlp.up_proj.weight");
          tensors.remove("model.norm.weight");
          tensors.put("model.layers.0.input_layernorm.weight", tensor(5));
        });
    WordTokenizer.write(folder, 8);
    try (Device device = Device.cpu(1)) {
      FormatException failure =
          assertThrows(
              FormatException.class,
              () -> LoadedModel.open(folder.toString(), Optional.empty(), device));
      String message = String.valueOf(failure.getMessage());
      assertTrue(message.contains("in 3 of"), message);
      assertTrue(message.contains("model.layers.1.mlp.up_proj.weight is missing"), message);
      assertTrue(message.contains("model.norm.weight is missing"), message);
      assertTrue(message.contains("model.layers.0.input_layernorm.weight is [5], not ["), message);
    }
    assertEquals(1, warnings().stream().filter(told -> told.contains("in 3 of")).count());
  }
}
