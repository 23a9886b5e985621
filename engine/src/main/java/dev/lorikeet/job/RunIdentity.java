package dev.lorikeet.job;

import dev.lorikeet.data.DataProvenance;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.format.GgufWeights;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a run's numbers depend on besides its recipe: weights, tokenizer, examples, threads, the
 * kernels of BLAS and the number format of products, under the keys of {@code provenance.json}.
 */
final class RunIdentity {
  /** Key of the weights' hash. */
  static final String MODEL = "model_fingerprint";

  private static final List<String> KEYS =
      List.of(
          MODEL,
          "tokenizer_sha256",
          "data.train_sha256",
          "data.validation_sha256",
          "device",
          "threads",
          "blas",
          "compute");

  private static final int EDGE_BYTES = 1 << 20;
  private static final Set<String> CONFIGS = Set.of("config.json", "adapter_config.json");

  private RunIdentity() {}

  /**
   * The parts of a provenance that a resumed run must repeat; those it does not know are absent.
   */
  static Map<String, String> of(Map<String, ?> provenance) {
    Map<String, String> identity = new LinkedHashMap<>();
    for (String key : KEYS) {
      Object value = value(provenance, key);
      if (value != null) {
        identity.put(key, value.toString());
      }
    }
    return identity;
  }

  private static @Nullable Object value(Map<String, ?> provenance, String key) {
    if (!key.startsWith("data.")) {
      return provenance.get(key);
    }
    return switch (provenance.get("data")) {
      case DataProvenance data ->
          key.equals("data.train_sha256") ? data.trainSha256() : data.validationSha256();
      case Map<?, ?> data -> data.get(key.substring("data.".length()));
      case null, default -> null;
    };
  }

  /**
   * A hash that tells one checkpoint from another without reading it whole: of its configuration
   * and of name, size, first and last mebibyte of every file with weights.
   */
  static String fingerprint(Path model) {
    try (Stream<Path> files = Files.list(model)) {
      MessageDigest digest = digest();
      for (Path file : files.sorted().toList()) {
        String name = String.valueOf(file.getFileName());
        if (CONFIGS.contains(name) || name.endsWith(".safetensors") || GgufWeights.isGguf(file)) {
          add(digest, name, file);
        } else if (name.equals(GgufWeights.POINTER)) {
          add(digest, "model.gguf", GgufWeights.target(file));
        }
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (IOException failure) {
      throw new FormatException(model, "cannot be read: " + failure.getMessage(), failure);
    }
  }

  /** Hash of a text in UTF-8, hexadecimal. */
  static String sha256(String text) {
    return HexFormat.of().formatHex(digest().digest(text.getBytes(StandardCharsets.UTF_8)));
  }

  private static MessageDigest digest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  private static void add(MessageDigest digest, String name, Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file)) {
      long size = channel.size();
      digest.update((name + "\0" + size + "\0").getBytes(StandardCharsets.UTF_8));
      digest.update(read(channel, 0, Math.min(size, EDGE_BYTES)));
      long from = Math.max(EDGE_BYTES, size - EDGE_BYTES);
      if (from < size) {
        digest.update(read(channel, from, size - from));
      }
    }
  }

  private static ByteBuffer read(FileChannel channel, long from, long count) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(Math.toIntExact(count));
    while (buffer.hasRemaining() && channel.read(buffer, from + buffer.position()) >= 0) {
      // Reads on until the part is full or the file ends.
    }
    return buffer.flip();
  }
}
