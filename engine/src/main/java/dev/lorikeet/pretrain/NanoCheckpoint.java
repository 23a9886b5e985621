package dev.lorikeet.pretrain;

import dev.lorikeet.format.AtomicFile;
import dev.lorikeet.format.StoredLayout;
import dev.lorikeet.format.StoredType;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nn.WeightsFile;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** Writes nano as a Hugging Face checkpoint with bfloat16 weights. */
final class NanoCheckpoint {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  private NanoCheckpoint() {}

  static void write(Path directory, NanoSettings settings, CausalLm model) {
    WeightsFile.write(
        directory.resolve("model.safetensors"),
        model.parameters(),
        StoredType.BF16,
        StoredLayout.SAME);
    Map<String, Object> config = new LinkedHashMap<>(settings.llama().json());
    config.put("dtype", "bfloat16");
    config.put("bos_token_id", 0);
    config.put("eos_token_id", 0);
    AtomicFile.writeString(
        directory.resolve("config.json"), JSON.writeValueAsString(config) + "\n");
  }
}
