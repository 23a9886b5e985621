package dev.lorikeet.hub;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;

/** A stub hub, a cache in a temporary folder, and a client that writes down its pauses. */
final class HubFixture implements AutoCloseable {
  static final String SECRET = "hf_secretsecretsecret";
  static final RepoReference MAIN = RepoReference.parse(StubHub.REPO);

  private static final Patience SHORT =
      new Patience(
          5,
          Duration.ofSeconds(1),
          Duration.ofMinutes(5),
          Duration.ofSeconds(5),
          Duration.ofSeconds(10));

  final StubHub hub;
  final Path home;
  final Map<String, String> environment = new HashMap<>();
  final List<Duration> pauses = Collections.synchronizedList(new ArrayList<>());
  final List<String> notices = Collections.synchronizedList(new ArrayList<>());
  private Patience patience = SHORT;

  HubFixture(Path home) throws IOException {
    hub = new StubHub();
    this.home = home;
    environment.put("HF_ENDPOINT", hub.endpoint().toString());
    environment.put("HF_HOME", home.toString());
    environment.put("HF_TOKEN", SECRET);
  }

  /** A model of two shards and what belongs to it. */
  HubFixture model() {
    hub.file("config.json", "{\"model_type\": \"llama\"}")
        .file("tokenizer/extra.json", "{}")
        .file("empty.txt", "")
        .large("model.safetensors", random(300_000, 1))
        .large("pytorch_model.bin", random(1000, 2));
    return this;
  }

  static byte[] random(int count, long seed) {
    byte[] bytes = new byte[count];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  HubFixture patience(Patience other) {
    patience = other;
    return this;
  }

  HubSettings settings() {
    return HubSettings.of(environment).waiting(patience);
  }

  HubClient client() {
    return client(settings());
  }

  HubClient client(HubSettings settings) {
    return new HubClient(
        settings, pauses::add, Clock.fixed(Instant.parse("2026-11-22T18:00:00Z"), ZoneOffset.UTC));
  }

  HubListener listener() {
    return new HubListener() {
      @Override
      public void notice(String text) {
        notices.add(text);
      }
    };
  }

  Downloaded download() {
    return client().download(MAIN, FileChoice.usual(), listener());
  }

  Path repo() {
    return home.resolve("hub/models--parrots--tiny");
  }

  Path snapshot() {
    return repo().resolve("snapshots/" + StubHub.COMMIT);
  }

  /** Names of all files in the folder of blobs. */
  List<String> blobs() {
    return names(repo().resolve("blobs"));
  }

  /** The same of a repository with the folder {@code name}. */
  List<String> blobsOf(String name) {
    return names(home.resolve("hub").resolve(name).resolve("blobs"));
  }

  static List<String> names(Path folder) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> list = Files.list(folder)) {
      return list.map(path -> String.valueOf(path.getFileName())).sorted().toList();
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  static String text(Path file) {
    try {
      return Files.readString(file, StandardCharsets.UTF_8);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  static byte[] bytes(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  static void assertSays(Throwable failure, String... parts) {
    for (String part : parts) {
      assertTrue(
          String.valueOf(failure.getMessage()).contains(part),
          () -> "expected '" + part + "' in: " + failure.getMessage());
    }
    StringBuilder all = new StringBuilder();
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      all.append(cause);
    }
    assertTrue(!all.toString().contains(SECRET), "the token is in the message");
  }

  @Override
  public void close() {
    hub.close();
  }
}
