package dev.lorikeet.job;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.format.AtomicFile;
import dev.lorikeet.job.Inspection.Head;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.model.LlamaConfig;
import dev.lorikeet.model.RopeScaling;
import dev.lorikeet.nano.BpeTrainer;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.RandomWeights;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.tokenizer.HfTokenizer;
import dev.lorikeet.tokenizer.Tokenizer;
import dev.lorikeet.torch.Device;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import tools.jackson.databind.json.JsonMapper;

/** A checkpoint of random weights with a tokenizer, and records that follow a rule. */
final class TinyModel {
  private static final int VOCABULARY = 288;
  private static final int CONTEXT = 96;
  private static final List<String> COLOURS = List.of("red", "blue", "green", "black", "white");
  private static final List<String> THINGS = List.of("cup", "hat", "pen", "bag", "fan", "map");

  private TinyModel() {}

  /** Writes the checkpoint into {@code directory}, which is made where it is missing. */
  static Path write(Path directory) {
    return write(directory, "");
  }

  /**
   * The same, but whoever reads the first token of {@code poison} gets no number.
   *
   * @param poison text that no other text has a token of; empty for none
   */
  static Path write(Path directory, String poison) {
    return write(directory, poison, Head.OWN);
  }

  /** The same with a head tied to the embedding, or not. */
  static Path write(Path directory, String poison, Head head) {
    LlamaConfig llama =
        new LlamaConfig(
            32,
            64,
            2,
            4,
            2,
            8,
            VOCABULARY,
            CONTEXT,
            1e-5,
            head == Head.TIED,
            false,
            false,
            new RopeScaling.Plain(10_000));
    try {
      Files.createDirectories(directory);
      BpeTrainer.train(Stream.of(String.join("\n", records(0, 20))), VOCABULARY)
          .write(directory, CONTEXT);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    AtomicFile.writeString(
        directory.resolve("config.json"), JsonMapper.shared().writeValueAsString(llama.json()));
    try (Device device = Device.cpu(1);
        Tokenizer tokenizer = HfTokenizer.open(directory);
        CausalLm model =
            llama.build(
                new RandomWeights(device, 1, 0.1, Training.FROZEN),
                device,
                CONTEXT,
                Linear.Wrapper.none())) {
      if (!poison.isEmpty()) {
        poison(model.parameters().getFirst(), tokenizer.encode(poison)[0]);
      }
      CheckpointWriter.write(directory, directory, model.parameters(), WeightFormat.FLOAT32);
    }
    return directory;
  }

  private static void poison(Parameter embedding, int row) {
    float[] values = embedding.value().toFloats();
    values[row * Math.toIntExact(embedding.value().size(1))] = Float.NaN;
    embedding.value().copyFrom(values);
  }

  /** {@code count} JSON lines of prompt and completion, from the {@code from}-th of the rule. */
  static List<String> records(int from, int count) {
    List<String> records = new ArrayList<>();
    for (int i = from; i < from + count; i++) {
      String colour = COLOURS.get(i % COLOURS.size());
      String thing = THINGS.get(i % THINGS.size());
      records.add(record("I lost my " + colour + " " + thing + ".", thing + ": " + colour));
    }
    return records;
  }

  static String record(String prompt, String completion) {
    Map<String, String> record = new LinkedHashMap<>();
    record.put("prompt", prompt);
    record.put("completion", completion);
    return JsonMapper.shared().writeValueAsString(record);
  }

  /** Writes JSON lines. */
  static Path data(Path file, List<String> records) {
    AtomicFile.writeString(file, String.join("\n", records) + "\n");
    return file;
  }

  /** A recipe for few, visible steps; runs go below {@code runs}. */
  static RunConfig recipe(Path model, Path train, Path runs) {
    return RunConfig.of(model.toString(), train)
        .with(
            "data.format=prompt_completion",
            "data.validation=0.0",
            "data.max_seq_len=64",
            "train.learning_rate=5.0e-3",
            "train.warmup_steps=0",
            "train.schedule=constant",
            "train.global_batch=4",
            "train.micro_batch=4",
            "output.dir='" + runs + "'");
  }

  /** The same for a model and {@code records} records that are written into {@code folder}. */
  static RunConfig recipe(Path folder, int records) {
    Path train = data(folder.resolve("train.jsonl"), records(0, records));
    return recipe(write(folder.resolve("tiny")), train, folder.resolve("runs"));
  }

  /** Files and folders below {@code directory}, relative, with their bytes' hash. */
  static Map<String, Integer> contents(Path directory) {
    Map<String, Integer> contents = new LinkedHashMap<>();
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted().toList()) {
        boolean folder = Files.isDirectory(file);
        contents.put(
            directory.relativize(file).toString(),
            folder ? 0 : Arrays.hashCode(Files.readAllBytes(file)));
      }
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    return contents;
  }
}
