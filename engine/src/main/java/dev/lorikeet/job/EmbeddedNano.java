package dev.lorikeet.job;

import dev.lorikeet.error.RunException;
import dev.lorikeet.format.AtomicFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/**
 * The base model inside the jar. It is unpacked once into a cache folder named by the hash of its
 * weights, because checkpoints are read by mapping files.
 */
public final class EmbeddedNano {
  /** Environment variable that names the cache folder. */
  public static final String CACHE_VARIABLE = "LORIKEET_CACHE";

  private static final String RESOURCES = "/dev/lorikeet/nano/model/";
  private static final String WEIGHTS = "model.safetensors";
  private static final List<String> FILES =
      List.of("config.json", "tokenizer.json", "tokenizer_config.json", WEIGHTS);
  private static final int HASH_CHARACTERS = 12;

  private EmbeddedNano() {}

  /** The folder with the unpacked model; unpacks it if it is not there. */
  public static Path directory() {
    byte[] weights = read(WEIGHTS);
    Path directory = cache().resolve("nano-" + hash(weights));
    for (String file : FILES) {
      byte[] bytes = file.equals(WEIGHTS) ? weights : read(file);
      unpack(directory.resolve(file), bytes);
    }
    return directory;
  }

  /** Where unpacked files are kept. */
  public static Path cache() {
    String named = System.getenv(CACHE_VARIABLE);
    if (named != null && !named.isBlank()) {
      return Path.of(named);
    }
    String xdg = System.getenv("XDG_CACHE_HOME");
    Path home = Path.of(System.getProperty("user.home"));
    boolean mac = System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("mac");
    Path base =
        xdg != null && !xdg.isBlank()
            ? Path.of(xdg)
            : home.resolve(mac ? "Library/Caches" : ".cache");
    return base.resolve("lorikeet");
  }

  private static void unpack(Path file, byte[] bytes) {
    try {
      if (Files.exists(file) && Files.size(file) == bytes.length) {
        return;
      }
      Files.createDirectories(file.getParent());
    } catch (IOException failure) {
      throw new RunException(
          "the embedded model could not be unpacked to %s: %s. Set %s to a folder that can be written."
              .formatted(file, failure.getMessage(), CACHE_VARIABLE),
          failure);
    }
    AtomicFile.write(file, out -> out.write(bytes));
  }

  private static byte[] read(String file) {
    try (InputStream in = EmbeddedNano.class.getResourceAsStream(RESOURCES + file)) {
      if (in == null) {
        throw new IllegalStateException("the jar has no " + RESOURCES + file);
      }
      return in.readAllBytes();
    } catch (IOException failure) {
      throw new UncheckedIOException("the jar's " + file + " cannot be read", failure);
    }
  }

  private static String hash(byte[] bytes) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
      return HexFormat.of().formatHex(digest).substring(0, HASH_CHARACTERS);
    } catch (NoSuchAlgorithmException failure) {
      throw new IllegalStateException("every JDK has SHA-256", failure);
    }
  }
}
