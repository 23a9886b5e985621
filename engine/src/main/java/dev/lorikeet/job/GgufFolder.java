package dev.lorikeet.job;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.error.RunException;
import dev.lorikeet.format.AtomicFile;
import dev.lorikeet.format.GgufConfig;
import dev.lorikeet.format.Gguf;
import dev.lorikeet.format.GgufWeights;
import dev.lorikeet.tokenizer.GgufTokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A GGUF file in the form of a model folder. What its metadata say (configuration, tokenizer, chat
 * template) is written once into a folder of the cache; the weights stay where they are, and the
 * folder holds their path.
 */
final class GgufFolder {
  private static final String ENDING = ".gguf";
  private static final int HASH_CHARACTERS = 16;

  /** Counts up when the same metadata come to other files, so that no old ones are taken. */
  private static final int CONVERSION = 1;

  private GgufFolder() {}

  /**
   * The GGUF file that {@code path} means: itself, or the only one in a folder without safetensors.
   *
   * @throws ConfigException if such a folder holds several
   */
  static Optional<Path> in(Path path) {
    if (Files.isRegularFile(path)) {
      return isGguf(path) ? Optional.of(path) : Optional.empty();
    }
    if (!Files.isDirectory(path)) {
      return Optional.empty();
    }
    try (Stream<Path> listed = Files.list(path)) {
      List<Path> files = listed.sorted().toList();
      List<Path> found = files.stream().filter(GgufFolder::isGguf).toList();
      if (found.isEmpty() || files.stream().anyMatch(GgufFolder::isSafetensors)) {
        return Optional.empty();
      }
      if (found.size() > 1) {
        throw new ConfigException(
            "the folder %s holds %d GGUF files (%s); give one of them as the model"
                .formatted(
                    path,
                    found.size(),
                    String.join(
                        ", ", found.stream().map(file -> file.getFileName().toString()).toList())));
      }
      return Optional.of(found.getFirst());
    } catch (IOException failure) {
      throw new FormatException(path, "the folder cannot be listed: " + failure, failure);
    }
  }

  private static boolean isGguf(Path file) {
    return file.toString().toLowerCase(Locale.ROOT).endsWith(ENDING);
  }

  private static boolean isSafetensors(Path file) {
    return file.toString().endsWith(".safetensors");
  }

  /**
   * The folder for {@code gguf}, made if it is not there.
   *
   * @throws FormatException if the file is damaged, or of a kind that is not read
   */
  static Path directory(Path gguf) {
    return directory(gguf, EmbeddedNano.cache());
  }

  /** The same in another cache. */
  static Path directory(Path gguf, Path cache) {
    String target = gguf.toAbsolutePath().normalize().toString();
    try (Gguf file = Gguf.open(gguf)) {
      String key = RunIdentity.sha256(file.headerHash() + " " + CONVERSION + " " + target);
      Path directory = cache.resolve("gguf-" + key.substring(0, HASH_CHARACTERS));
      // Written last: where it is, everything is.
      Path pointer = directory.resolve(GgufWeights.POINTER);
      if (!Files.exists(pointer)) {
        Map<String, byte[]> contents = new LinkedHashMap<>();
        contents.put("config.json", GgufConfig.of(file).getBytes(StandardCharsets.UTF_8));
        contents.putAll(GgufTokenizer.files(file));
        contents.put(GgufWeights.POINTER, (target + "\n").getBytes(StandardCharsets.UTF_8));
        write(directory, contents);
      }
      return directory;
    }
  }

  private static void write(Path directory, Map<String, byte[]> contents) {
    try {
      Files.createDirectories(directory);
    } catch (IOException failure) {
      throw new RunException(
          "what the GGUF file says could not be written to %s: %s. Set %s to a folder that can be written."
              .formatted(directory, failure.getMessage(), EmbeddedNano.CACHE_VARIABLE),
          failure);
    }
    contents.forEach(
        (name, bytes) -> AtomicFile.write(directory.resolve(name), out -> out.write(bytes)));
  }
}
