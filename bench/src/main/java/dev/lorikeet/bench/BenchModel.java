package dev.lorikeet.bench;

import dev.lorikeet.format.AtomicFile;
import dev.lorikeet.format.StoredType;
import dev.lorikeet.model.Llama;
import dev.lorikeet.model.LlamaConfig;
import dev.lorikeet.model.RopeScaling;
import dev.lorikeet.nano.BpeTrainer;
import dev.lorikeet.nano.NanoText;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.RandomWeights;
import dev.lorikeet.nn.WeightsFile;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import tools.jackson.databind.json.JsonMapper;

/**
 * A checkpoint of random weights in the shape of SmolLM2-135M, and text to train it on: what a step
 * costs depends on shapes, not on values.
 */
final class BenchModel {
  private static final long SEED = 1;
  private static final int CONTEXT = 8192;
  private static final int TOKENIZER_DOCUMENTS = 2_000;
  private static final int TEXT_DOCUMENTS = 4_000;
  private static final int TOKENIZER_SIZE = 2_048;

  private BenchModel() {}

  /** Sizes of HuggingFaceTB/SmolLM2-135M. */
  static LlamaConfig smolLm2() {
    return new LlamaConfig(
        576,
        1536,
        30,
        9,
        3,
        64,
        49_152,
        CONTEXT,
        1e-5,
        true,
        false,
        false,
        new RopeScaling("default", 100_000, 1, 1, 1, 1));
  }

  /** Writes model and text into {@code directory}, unless an earlier call did. */
  static void prepare(Path directory) throws IOException {
    if (Files.exists(text(directory))) {
      return;
    }
    Files.createDirectories(model(directory));
    NanoText documents = new NanoText(SEED);
    BpeTrainer.train(
            LongStream.range(NanoText.WARM_UP, NanoText.WARM_UP + TOKENIZER_DOCUMENTS)
                .mapToObj(documents::document),
            TOKENIZER_SIZE)
        .write(model(directory), CONTEXT);
    writeWeights(model(directory));
    AtomicFile.writeString(
        text(directory),
        LongStream.range(NanoText.WARM_UP, NanoText.WARM_UP + TEXT_DOCUMENTS)
            .mapToObj(documents::document)
            .collect(Collectors.joining("\n\n")));
  }

  private static void writeWeights(Path model) {
    Map<String, Object> config = new LinkedHashMap<>(smolLm2().json());
    config.put("eos_token_id", 0);
    config.put("bos_token_id", 0);
    AtomicFile.writeString(
        model.resolve("config.json"), JsonMapper.shared().writeValueAsString(config));
    try (Device device = Device.cpu(1);
        Llama llama =
            new Llama(
                smolLm2(),
                new RandomWeights(device, SEED, 0.02, Training.FROZEN),
                device,
                CONTEXT,
                Linear.Wrapper.none())) {
      WeightsFile.write(model.resolve("model.safetensors"), llama.parameters(), StoredType.F32);
    }
  }

  static Path model(Path directory) {
    return directory.resolve("model");
  }

  static Path text(Path directory) {
    return directory.resolve("text.txt");
  }
}
