package dev.lorikeet.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The checkpoint of {@code reference/make_tiny.py}, and what the tests do to copies of it. */
final class TinyModel {
  /** 288 tokens, context 256, hidden size 32, two layers; {@code <s>} in front of every text. */
  static final Path FOLDER = Path.of("src/test/resources/reference/tiny/model").toAbsolutePath();

  private static final int RECORDS = 14;

  private TinyModel() {}

  /** A copy in {@code folder}/model. */
  static Path copy(Path folder) {
    Path copy = folder.resolve("model");
    try (Stream<Path> files = Files.list(FOLDER)) {
      Files.createDirectories(copy);
      for (Path file : files.toList()) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    return copy;
  }

  /** A recipe of three steps on fourteen records; its runs go to {@code folder}/runs. */
  static Path recipe(Path folder) {
    StringBuilder records = new StringBuilder();
    for (int i = 0; i < RECORDS; i++) {
      records
          .append("{\"instruction\": \"Say number ")
          .append(i)
          .append("\", \"output\": \"The lorikeet sat\"}\n");
    }
    Path data = write(folder.resolve("data.jsonl"), records.toString());
    return write(
        folder.resolve("recipe.yaml"),
        """
        model: {path: '%s'}
        adapter: {r: 4, lora_dropout: 0.1}
        data: {train: '%s', validation: 0.15, max_seq_len: 200}
        train: {max_steps: 3, epochs: null, global_batch: 4, micro_batch: 2, \
        learning_rate: 0.02, warmup_steps: 0}
        output: {dir: '%s'}
        """
            .formatted(FOLDER, data, folder.resolve("runs")));
  }

  /** Makes the first number of a tensor in {@code model.safetensors} not a number. */
  static void damage(Path model, String tensor) {
    try {
      Path file = model.resolve("model.safetensors");
      byte[] bytes = Files.readAllBytes(file);
      ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
      int header = Math.toIntExact(buffer.getLong(0));
      JsonNode entries =
          JsonMapper.shared().readTree(new String(bytes, 8, header, StandardCharsets.UTF_8));
      int begin = entries.path(tensor).path("data_offsets").path(0).asInt();
      buffer.putFloat(8 + header + begin, Float.NaN);
      Files.write(file, bytes);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  /** Adds the token {@code <note>} with the first id that the embedding does not have. */
  static void addToken(Path model) {
    Path file = model.resolve("tokenizer.json");
    ObjectNode tokenizer = (ObjectNode) JsonMapper.shared().readTree(read(file));
    ObjectNode token = tokenizer.withArray("added_tokens").addObject();
    token.put("id", 288).put("content", "<note>").put("special", false).put("normalized", false);
    token.put("single_word", false).put("lstrip", false).put("rstrip", false);
    write(file, tokenizer.toString());
  }

  /** Lets the tokenizer put nothing in front of a text. */
  static void removePrefix(Path model) {
    Path file = model.resolve("tokenizer.json");
    ObjectNode tokenizer = (ObjectNode) JsonMapper.shared().readTree(read(file));
    tokenizer.putNull("post_processor");
    write(file, tokenizer.toString());
  }

  /** Replaces a text that has to be in {@code file}. */
  static void replace(Path file, String old, String replacement) {
    String content = read(file);
    if (!content.contains(old)) {
      throw new IllegalStateException(file + " has no " + old);
    }
    write(file, content.replace(old, replacement));
  }

  static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  static List<String> lines(Path file) {
    return read(file).lines().toList();
  }

  static Path write(Path file, String text) {
    try {
      return Files.writeString(file, text);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }
}
