package dev.lorikeet.cli;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A hub of this process whose repositories, the model and the data set {@code parrots/tiny}, are
 * one folder.
 */
final class TinyHub implements AutoCloseable {
  static final String NAME = "parrots/tiny";
  static final String COMMIT = "c0ffee".repeat(6) + "beef";

  private static final Pattern API = Pattern.compile("/api/(?:models|datasets)/" + NAME + "(/.*)");
  private static final Pattern FILES =
      Pattern.compile("/(?:datasets/)?" + NAME + "/resolve/" + COMMIT + "/(.*)");

  private final HttpServer server;
  private final Path folder;
  private final AtomicInteger requests = new AtomicInteger();

  TinyHub(Path folder) throws IOException {
    this.folder = folder;
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::handle);
    server.start();
  }

  String endpoint() {
    return "http://localhost:" + server.getAddress().getPort();
  }

  /** Requests that came so far. */
  int requests() {
    return requests.get();
  }

  private void handle(HttpExchange exchange) throws IOException {
    requests.incrementAndGet();
    String path = exchange.getRequestURI().getPath();
    try (exchange) {
      Matcher api = API.matcher(path);
      Matcher file = FILES.matcher(path);
      if (api.matches() && api.group(1).equals("/revision/main")) {
        send(exchange, ("{\"sha\": \"" + COMMIT + "\"}").getBytes(StandardCharsets.UTF_8));
      } else if (api.matches() && api.group(1).equals("/tree/" + COMMIT)) {
        send(exchange, tree().getBytes(StandardCharsets.UTF_8));
      } else if (file.matches()) {
        send(exchange, Files.readAllBytes(folder.resolve(file.group(1))));
      } else {
        exchange.sendResponseHeaders(404, -1);
      }
    }
  }

  private static void send(HttpExchange exchange, byte[] bytes) throws IOException {
    exchange.sendResponseHeaders(200, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  private String tree() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().map(TinyHub::entry).collect(Collectors.joining(",", "[", "]"));
    }
  }

  private static String entry(Path file) {
    try {
      byte[] bytes = Files.readAllBytes(file);
      MessageDigest sum = MessageDigest.getInstance("SHA-1");
      sum.update(("blob " + bytes.length + "\0").getBytes(StandardCharsets.US_ASCII));
      return "{\"type\": \"file\", \"path\": \"%s\", \"size\": %d, \"oid\": \"%s\"}"
          .formatted(file.getFileName(), bytes.length, HexFormat.of().formatHex(sum.digest(bytes)));
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  /** A terminal whose commands see this hub and a cache in {@code home}. */
  Terminal terminal(Path home) {
    Terminal terminal = new Terminal();
    terminal.environment("HF_ENDPOINT", endpoint());
    terminal.environment("HF_HOME", home.toString());
    return terminal;
  }

  static Path snapshot(Path home) {
    return home.resolve("hub/models--parrots--tiny/snapshots").resolve(COMMIT);
  }

  /** Names of the model's files. */
  List<String> names() {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
