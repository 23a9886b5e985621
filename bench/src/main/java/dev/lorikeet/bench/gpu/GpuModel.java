package dev.lorikeet.bench.gpu;

import dev.lorikeet.format.AtomicFile;
import dev.lorikeet.format.StoredType;
import dev.lorikeet.model.Llama;
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

/** A checkpoint of random weights in bfloat16 with a tokenizer, and text to train it on. */
final class GpuModel {
  private static final long SEED = 1;
  private static final int TOKENIZER_DOCUMENTS = 2_000;
  private static final int TOKENIZER_SIZE = 2_048;
  private static final int TEXT_DOCUMENTS = 4_000;

  private final Path folder;

  /** The model lies in {@code folder/model}, the text in {@code folder/text.txt}. */
  GpuModel(Path folder) {
    this.folder = folder;
  }

  Path model() {
    return folder.resolve("model");
  }

  Path text() {
    return folder.resolve("text.txt");
  }

  /** Writes both, unless an earlier call did. The text comes last: with it all is there. */
  void prepare(GpuShape shape) throws IOException {
    if (Files.exists(text())) {
      return;
    }
    Files.createDirectories(model());
    NanoText documents = new NanoText(SEED);
    BpeTrainer.train(
            LongStream.range(NanoText.WARM_UP, NanoText.WARM_UP + TOKENIZER_DOCUMENTS)
                .mapToObj(documents::document),
            TOKENIZER_SIZE)
        .write(model(), GpuShape.CONTEXT);
    Map<String, Object> config = new LinkedHashMap<>(shape.config().json());
    config.put("eos_token_id", 0);
    config.put("bos_token_id", 0);
    AtomicFile.writeString(
        model().resolve("config.json"), JsonMapper.shared().writeValueAsString(config));
    writeWeights(shape);
    AtomicFile.writeString(
        text(),
        LongStream.range(NanoText.WARM_UP, NanoText.WARM_UP + TEXT_DOCUMENTS)
            .mapToObj(documents::document)
            .collect(Collectors.joining("\n\n")));
  }

  private void writeWeights(GpuShape shape) {
    try (Device device = Device.cpu(1);
        Llama llama =
            new Llama(
                shape.config(),
                new RandomWeights(device, SEED, 0.02, Training.FROZEN),
                device,
                GpuShape.CONTEXT,
                Linear.Wrapper.none())) {
      WeightsFile.write(model().resolve("model.safetensors"), llama.parameters(), StoredType.BF16);
    }
  }
}
