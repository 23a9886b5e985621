package dev.lorikeet.job;

import dev.lorikeet.error.FormatException;
import dev.lorikeet.format.AtomicFolder;
import dev.lorikeet.format.Gguf;
import dev.lorikeet.format.GgufConfig;
import dev.lorikeet.format.GgufWeights;
import dev.lorikeet.tokenizer.GgufTokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * A GGUF file in the form of a model folder. What its metadata say (configuration, tokenizer, chat
 * template) is written once into a folder of the cache; the weights stay where they are, and the
 * folder names their file. The folder is known by the file's path, size and time of modification,
 * so that another file under the same name gets another folder.
 */
final class GgufFolder {
  private static final int HASH_CHARACTERS = 16;

  /** Counts up when the same metadata come to other files, so that no old ones are taken. */
  private static final int CONVERSION = 2;

  private GgufFolder() {}

  /**
   * The GGUF file that {@code path} means: itself, or the only one in a folder that has neither
   * safetensors nor a config.json of its own.
   *
   * @throws FormatException if such a folder holds several
   */
  static Optional<Path> in(Path path) {
    if (Files.isRegularFile(path)) {
      return GgufWeights.isGguf(path) ? Optional.of(path) : Optional.empty();
    }
    boolean isWhole = Files.exists(path.resolve("config.json"));
    return Files.isDirectory(path) && !isWhole && !holdsSafetensors(path)
        ? GgufWeights.onlyIn(path)
        : Optional.empty();
  }

  private static boolean holdsSafetensors(Path folder) {
    try (var files = Files.newDirectoryStream(folder, "*.safetensors")) {
      return files.iterator().hasNext();
    } catch (IOException failure) {
      throw new FormatException(folder, "the folder cannot be listed: " + failure, failure);
    }
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
    long bytes;
    String key;
    try {
      bytes = Files.size(gguf);
      key =
          String.join(
              "\n",
              gguf.toAbsolutePath().normalize().toString(),
              String.valueOf(bytes),
              Files.getLastModifiedTime(gguf).toString(),
              String.valueOf(CONVERSION));
    } catch (IOException failure) {
      throw new FormatException(gguf, "cannot be read: " + failure, failure);
    }
    String hash = RunIdentity.sha256(key).substring(0, HASH_CHARACTERS);
    Path directory = cache.resolve("gguf-" + hash);
    if (!Files.exists(directory.resolve(GgufWeights.POINTER))) {
      write(directory, contents(gguf, bytes));
    }
    return directory;
  }

  private static Map<String, byte[]> contents(Path gguf, long bytes) {
    try (Gguf file = Gguf.open(gguf)) {
      Map<String, byte[]> contents = new LinkedHashMap<>();
      contents.put("config.json", utf8(GgufConfig.of(file)));
      contents.put("generation_config.json", utf8(GgufConfig.generation(file)));
      contents.putAll(GgufTokenizer.files(file));
      contents.put(GgufWeights.POINTER, utf8(GgufWeights.pointer(gguf, bytes)));
      return contents;
    }
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static void write(Path directory, Map<String, byte[]> contents) {
    AtomicFolder.write(
        directory,
        folder -> {
          for (Map.Entry<String, byte[]> file : contents.entrySet()) {
            Files.write(folder.resolve(file.getKey()), file.getValue());
          }
        });
  }
}
