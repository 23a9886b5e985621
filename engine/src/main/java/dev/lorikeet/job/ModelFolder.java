package dev.lorikeet.job;

import dev.lorikeet.error.FormatException;
import dev.lorikeet.error.LorikeetException;
import dev.lorikeet.format.BitsAndBytes;
import dev.lorikeet.format.GgufWeights;
import dev.lorikeet.format.HfCheckpoint;
import dev.lorikeet.format.JsonConfig;
import dev.lorikeet.job.Inspection.ModelFile;
import dev.lorikeet.job.Inspection.TokenFact;
import dev.lorikeet.job.Inspection.TokenizerFacts;
import dev.lorikeet.model.Architecture;
import dev.lorikeet.model.Architecture.Blueprint;
import dev.lorikeet.tokenizer.HfTokenizer;
import dev.lorikeet.tokenizer.SpecialTokens;
import dev.lorikeet.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

/** The parts of a model folder, each looked at even if another one is missing. */
final class ModelFolder {
  private static final String CONFIG = "config.json";
  private static final List<String> WEIGHTS =
      List.of("model.safetensors", "model.safetensors.index.json", GgufWeights.POINTER);

  private ModelFolder() {}

  /** The checkpoint, which the caller closes; none, and a warning, if it has no weights yet. */
  static Optional<HfCheckpoint> open(Path directory, List<String> warnings) {
    try {
      return Optional.of(HfCheckpoint.open(directory));
    } catch (FormatException failure) {
      boolean weights =
          WEIGHTS.stream().anyMatch(name -> Files.exists(directory.resolve(name)))
              || files(directory).stream()
                  .anyMatch(file -> GgufWeights.isGguf(Path.of(file.name())));
      if (weights || !Files.exists(directory.resolve(CONFIG)) || isOtherwiseQuantised(directory)) {
        throw failure;
      }
      warnings.add(failure.getMessage() + " The numbers here are those that config.json implies.");
      return Optional.empty();
    }
  }

  /** What to tell about tensors that the model has no place for, if there are any. */
  static Optional<String> surplus(Path directory) {
    try (HfCheckpoint files = HfCheckpoint.open(directory)) {
      Blueprint blueprint = Architecture.of(files.config());
      return TensorFit.of(files.seenBy(blueprint), blueprint).surplusNotice();
    }
  }

  private static boolean isOtherwiseQuantised(Path directory) {
    return config(directory)
        .object("quantization_config")
        .filter(found -> !found.findString("quant_method").equals(Optional.of(BitsAndBytes.METHOD)))
        .isPresent();
  }

  static JsonConfig config(Path directory) {
    return JsonConfig.read(directory.resolve(CONFIG));
  }

  /** The plain files, by name. */
  static List<ModelFile> files(Path directory) {
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .filter(Files::isRegularFile)
          .sorted()
          .map(file -> file.endsWith(GgufWeights.POINTER) ? GgufWeights.target(file) : file)
          .map(file -> new ModelFile(String.valueOf(file.getFileName()), bytes(file)))
          .toList();
    } catch (IOException failure) {
      throw new FormatException(directory, "the folder cannot be listed: " + failure, failure);
    }
  }

  private static long bytes(Path file) {
    try {
      return Files.size(file);
    } catch (IOException failure) {
      throw new FormatException(file, "cannot be read: " + failure, failure);
    }
  }

  /** Facts about the tokenizer; none, and a warning, if it cannot be used. */
  static Optional<TokenizerFacts> tokenizer(Path directory, int rows, List<String> warnings) {
    try (Tokenizer tokenizer = HfTokenizer.open(directory)) {
      if (tokenizer.vocabSize() > rows) {
        warnings.add(
            "tokenizer %s has ids up to %d, but the embedding has %d rows (ids 0 to %d). A text that uses such an id is refused; take tokenizer and weights from one revision."
                .formatted(tokenizer.name(), tokenizer.vocabSize() - 1, rows, rows - 1));
      }
      return Optional.of(
          new TokenizerFacts(
              tokenizer.vocabSize(),
              tokenizer.kind(),
              fact(tokenizer, tokenizer.bosId()),
              fact(tokenizer, tokenizer.eosId()),
              Arrays.stream(tokenizer.bosPrefix()).mapToObj(id -> fact(tokenizer, id)).toList()));
    } catch (LorikeetException failure) {
      warnings.add(String.valueOf(failure.getMessage()));
      return Optional.empty();
    }
  }

  private static Optional<TokenFact> fact(Tokenizer tokenizer, OptionalInt id) {
    return id.isPresent() ? Optional.of(fact(tokenizer, id.getAsInt())) : Optional.empty();
  }

  private static TokenFact fact(Tokenizer tokenizer, int id) {
    boolean known = id < tokenizer.vocabSize();
    return new TokenFact(id, known ? tokenizer.decode(new int[] {id}, SpecialTokens.KEEP) : "");
  }
}
