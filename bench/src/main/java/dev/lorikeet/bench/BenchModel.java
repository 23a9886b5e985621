package dev.lorikeet.bench;

import dev.lorikeet.format.AtomicFile;
import dev.lorikeet.format.StoredLayout;
import dev.lorikeet.format.StoredType;
import dev.lorikeet.model.CausalLm;
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
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import tools.jackson.databind.json.JsonMapper;

/**
 * A checkpoint of random weights with a tokenizer, and text to train it on: what a step costs
 * depends on shapes, not on values.
 *
 * @param folder holds {@code model} and {@code text.txt}
 */
public record BenchModel(Path folder) {
  /** Tokens of a sequence. */
  public static final int SEQUENCE = 512;

  private static final long SEED = 1;
  private static final int TOKENIZER_DOCUMENTS = 2_000;
  private static final int TEXT_DOCUMENTS = 4_000;
  private static final int TOKENIZER_SIZE = 2_048;

  /** Folder of the checkpoint. */
  public Path model() {
    return folder.resolve("model");
  }

  /** File of the text. */
  public Path text() {
    return folder.resolve("text.txt");
  }

  /**
   * Keys of the recipe of a measurement on the text, with the update that PEFT's loop makes in
   * {@code peer.py} and {@code peer_gpu.py}; later keys of the same name take their place.
   *
   * @param examples sequences of a step, in one micro-batch
   * @param steps counted ones; one more comes first and warms up
   * @param runs folder of the runs
   */
  public static List<String> recipe(String technique, int examples, int steps, Path runs) {
    return List.of(
        "adapter.technique=" + technique,
        "data.format=text",
        "data.validation=0.0",
        "data.max_seq_len=" + SEQUENCE,
        "train.global_batch=" + examples,
        "train.micro_batch=" + examples,
        "train.learning_rate=1.0e-4",
        "train.schedule=constant",
        "train.warmup_steps=0",
        "train.max_grad_norm=0",
        "train.epochs=null",
        "train.max_steps=" + (steps + 1),
        "output.dir='" + runs + "'");
  }

  /** Writes both, unless an earlier call did. The text comes last: with it all is there. */
  public void prepare(BenchShape shape, StoredType type) throws IOException {
    if (Files.exists(text())) {
      return;
    }
    Files.createDirectories(model());
    NanoText documents = new NanoText(SEED);
    BpeTrainer.train(
            LongStream.range(NanoText.WARM_UP, NanoText.WARM_UP + TOKENIZER_DOCUMENTS)
                .mapToObj(documents::document),
            TOKENIZER_SIZE)
        .write(model(), BenchShape.CONTEXT);
    Map<String, Object> config = new LinkedHashMap<>(shape.config().json());
    config.put("eos_token_id", 0);
    config.put("bos_token_id", 0);
    AtomicFile.writeString(
        model().resolve("config.json"), JsonMapper.shared().writeValueAsString(config));
    try (Device device = Device.cpu(1);
        CausalLm llama =
            shape
                .config()
                .build(
                    new RandomWeights(device, SEED, 0.02, Training.FROZEN),
                    device,
                    BenchShape.CONTEXT,
                    Linear.Wrapper.none())) {
      WeightsFile.write(
          model().resolve("model.safetensors"), llama.parameters(), type, StoredLayout.SAME);
    }
    AtomicFile.writeString(text(), documents(documents));
  }

  private static String documents(NanoText documents) {
    return LongStream.range(NanoText.WARM_UP, NanoText.WARM_UP + TEXT_DOCUMENTS)
        .mapToObj(documents::document)
        .collect(Collectors.joining("\n\n"));
  }
}
