package dev.lorikeet.hub;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * A hub of this process with one repository, and a second host that serves its large files, as the
 * real one has. Single answers can be made bad beforehand.
 *
 * <p>The hub is {@code localhost}, the other host {@code 127.0.0.1}: the same machine, two names.
 */
final class StubHub implements AutoCloseable {
  static final String REPO = "parrots/tiny";
  static final String COMMIT = "c0ffee".repeat(6) + "beef";

  /** What a request looked like; {@code headers} in lower case. */
  record Seen(String host, String path, Map<String, String> headers) {
    Optional<String> header(String name) {
      return Optional.ofNullable(headers.get(name));
    }
  }

  /** Answers one request in place of the usual answer. */
  @FunctionalInterface
  interface Answer {
    void to(HttpExchange exchange) throws IOException;
  }

  private record Content(ByteBuffer buffer, boolean large) {
    byte[] bytes() {
      byte[] bytes = new byte[buffer.remaining()];
      buffer.duplicate().get(bytes);
      return bytes;
    }
  }

  private final HttpServer hub;
  private final HttpServer cdn;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Map<String, Content> files = new TreeMap<>();
  private final Map<String, Deque<Answer>> answers = new HashMap<>();
  private final List<Seen> seen = Collections.synchronizedList(new ArrayList<>());
  private volatile RepoKind kind = RepoKind.MODEL;
  private volatile String commit = COMMIT;
  private volatile int pageSize = 1000;

  StubHub() throws IOException {
    hub = start();
    cdn = start();
  }

  private HttpServer start() throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
    return server;
  }

  URI endpoint() {
    return URI.create("http://localhost:" + hub.getAddress().getPort());
  }

  URI cdn() {
    return URI.create("http://127.0.0.1:" + cdn.getAddress().getPort());
  }

  /** A file in git itself. */
  StubHub file(String path, byte[] bytes) {
    files.put(path, new Content(ByteBuffer.wrap(bytes), false));
    return this;
  }

  StubHub file(String path, String text) {
    return file(path, text.getBytes(StandardCharsets.UTF_8));
  }

  /** A file in large file storage, served by the other host. */
  StubHub large(String path, byte[] bytes) {
    files.put(path, new Content(ByteBuffer.wrap(bytes), true));
    return this;
  }

  /** The repository holds another kind from now on. */
  StubHub kind(RepoKind other) {
    kind = other;
    return this;
  }

  void commit(String next) {
    commit = next;
  }

  void pageSize(int files) {
    pageSize = files;
  }

  /** The next requests for {@code path}, of hub or other host, are answered so, in this order. */
  void next(String path, Answer... bad) {
    synchronized (answers) {
      answers.computeIfAbsent(path, _ -> new ArrayDeque<>()).addAll(List.of(bad));
    }
  }

  void remove(String path) {
    files.remove(path);
  }

  /** All further requests get the usual answers. */
  void clearAnswers() {
    synchronized (answers) {
      answers.clear();
    }
  }

  List<Seen> seen() {
    synchronized (seen) {
      return List.copyOf(seen);
    }
  }

  List<Seen> seen(String path) {
    return seen().stream().filter(each -> each.path().equals(path)).toList();
  }

  void forget() {
    seen.clear();
  }

  /** Path of a request for a file at the hub. */
  String resolve(String path) {
    return "/" + kind.prefix() + REPO + "/resolve/" + commit + "/" + path;
  }

  /** Path of a request for a large file at the other host. */
  static String stored(String path) {
    return "/store/" + path;
  }

  String api(String rest) {
    return "/api/" + kind.plural() + "/" + REPO + rest;
  }

  static String etag(byte[] bytes, boolean large) {
    ContentHash hash = large ? ContentHash.sha256() : ContentHash.git(bytes.length);
    hash.add(ByteBuffer.wrap(bytes));
    return hash.hex();
  }

  // ---- bad answers

  static Answer status(int status, String... headers) {
    return exchange -> {
      for (int i = 0; i < headers.length; i += 2) {
        exchange.getResponseHeaders().set(headers[i], headers[i + 1]);
      }
      exchange.sendResponseHeaders(status, -1);
      exchange.close();
    };
  }

  /** Announces everything and breaks the connection after {@code count} bytes of it. */
  Answer cutAfter(String path, int count) {
    return exchange -> {
      byte[] bytes = bytes(path);
      int from = from(exchange);
      tag(exchange, path);
      if (from > 0) {
        range(exchange, from, bytes.length);
      }
      exchange.sendResponseHeaders(from > 0 ? 206 : 200, bytes.length - from);
      exchange.getResponseBody().write(bytes, from, count);
      exchange.getResponseBody().flush();
      exchange.close();
    };
  }

  /** Serves {@code bytes} with status 200 whatever was asked for. */
  static Answer body(byte[] bytes, String... headers) {
    return exchange -> {
      for (int i = 0; i < headers.length; i += 2) {
        exchange.getResponseHeaders().set(headers[i], headers[i + 1]);
      }
      send(exchange, 200, bytes);
    };
  }

  /** Serves {@code bytes} with status 206 and a range that is told by {@code contentRange}. */
  static Answer part(byte[] bytes, String contentRange, String... headers) {
    return exchange -> {
      exchange.getResponseHeaders().set("Content-Range", contentRange);
      for (int i = 0; i < headers.length; i += 2) {
        exchange.getResponseHeaders().set(headers[i], headers[i + 1]);
      }
      send(exchange, 206, bytes);
    };
  }

  /** Redirects. */
  static Answer redirect(String location, String... headers) {
    return exchange -> {
      exchange.getResponseHeaders().set("Location", location);
      for (int i = 0; i < headers.length; i += 2) {
        exchange.getResponseHeaders().set(headers[i], headers[i + 1]);
      }
      exchange.sendResponseHeaders(307, -1);
      exchange.close();
    };
  }

  private byte[] bytes(String path) {
    return content(path).bytes();
  }

  private Content content(String path) {
    Content content = files.get(path);
    if (content == null) {
      throw new IllegalStateException("no " + path);
    }
    return content;
  }

  // ---- the usual answers

  private void handle(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    Map<String, String> headers = new LinkedHashMap<>();
    exchange
        .getRequestHeaders()
        .forEach((name, values) ->
            headers.put(name.toLowerCase(java.util.Locale.ROOT), String.join(",", values)));
    boolean atHub = exchange.getLocalAddress().getPort() == hub.getAddress().getPort();
    seen.add(new Seen(atHub ? "hub" : "cdn", path, headers));
    Answer bad;
    synchronized (answers) {
      Deque<Answer> waiting = answers.getOrDefault(path, new ArrayDeque<>());
      bad = waiting.isEmpty() ? this::usual : waiting.poll();
    }
    try {
      bad.to(exchange);
    } finally {
      exchange.close();
    }
  }

  private void usual(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    String stored = stored("");
    if (path.startsWith(api("/revision/"))) {
      String revision =
          URLDecoder.decode(
              exchange.getRequestURI().getRawPath().substring(api("/revision/").length()),
              StandardCharsets.UTF_8);
      if (List.of("main", "v1", "refs/pr/1").contains(revision)) {
        send(exchange, 200, ("{\"sha\": \"" + commit + "\"}").getBytes(StandardCharsets.UTF_8));
      } else {
        status(404, "X-Error-Code", "RevisionNotFound").to(exchange);
      }
    } else if (path.equals(api("/tree/" + commit))) {
      tree(exchange);
    } else if (path.startsWith(resolve(""))) {
      resolve(exchange, path.substring(resolve("").length()));
    } else if (path.startsWith(stored)) {
      serve(exchange, path.substring(stored.length()));
    } else {
      status(404, "X-Error-Code", "RepoNotFound").to(exchange);
    }
  }

  private void tree(HttpExchange exchange) throws IOException {
    String query = exchange.getRequestURI().getQuery();
    int from = query.contains("cursor=") ? Integer.parseInt(query.replaceAll(".*cursor=", "")) : 0;
    List<String> entries = new ArrayList<>();
    entries.add(
        "{\"type\": \"directory\", \"oid\": \"" + "0".repeat(40) + "\", \"path\": \"sub\"}");
    List<String> paths = List.copyOf(files.keySet());
    int to = Math.min(paths.size(), from + pageSize);
    for (String path : paths.subList(from, to)) {
      Content content = content(path);
      byte[] bytes = content.bytes();
      String lfs =
          content.large()
              ? ", \"lfs\": {\"oid\": \"%s\", \"size\": %d, \"pointerSize\": 134}"
                  .formatted(etag(bytes, true), bytes.length)
              : "";
      entries.add(
          "{\"type\": \"file\", \"oid\": \"%s\", \"size\": %d, \"path\": \"%s\"%s}"
              .formatted(etag(bytes, false), bytes.length, path.replace("\\", "\\\\"), lfs));
    }
    if (to < paths.size()) {
      exchange
          .getResponseHeaders()
          .set(
              "Link",
              "<%s%s?recursive=true&cursor=%d>; rel=\"next\""
                  .formatted(endpoint(), exchange.getRequestURI().getPath(), to));
    }
    send(exchange, 200, ("[" + String.join(",", entries) + "]").getBytes(StandardCharsets.UTF_8));
  }

  private void resolve(HttpExchange exchange, String path) throws IOException {
    Content content = files.get(path);
    exchange.getResponseHeaders().set("X-Repo-Commit", commit);
    if (content == null) {
      status(404, "X-Error-Code", "EntryNotFound").to(exchange);
    } else if (content.large()) {
      redirect(
              cdn() + stored(path) + "?signature=secret",
              "X-Linked-Etag",
              "\"" + etag(content.bytes(), true) + "\"",
              "X-Linked-Size",
              "" + content.bytes().length)
          .to(exchange);
    } else {
      serve(exchange, path);
    }
  }

  private void serve(HttpExchange exchange, String path) throws IOException {
    byte[] bytes = bytes(path);
    tag(exchange, path);
    int from = from(exchange);
    String ifRange = exchange.getRequestHeaders().getFirst("If-Range");
    boolean same = ifRange == null || ifRange.equals(tag(path));
    if (from > 0 && same) {
      range(exchange, from, bytes.length);
      send(exchange, 206, java.util.Arrays.copyOfRange(bytes, from, bytes.length));
    } else {
      send(exchange, 200, bytes);
    }
  }

  /** The entity tag that the server of the bytes gives; another one than the checksum. */
  String tag(String path) {
    return "\"tag-of-" + path + "\"";
  }

  private void tag(HttpExchange exchange, String path) {
    exchange.getResponseHeaders().set("ETag", tag(path));
  }

  private static void range(HttpExchange exchange, int from, int total) {
    exchange
        .getResponseHeaders()
        .set("Content-Range", "bytes %d-%d/%d".formatted(from, total - 1, total));
  }

  private static int from(HttpExchange exchange) {
    String range = exchange.getRequestHeaders().getFirst("Range");
    return range == null ? 0 : Integer.parseInt(range.replaceAll("bytes=(\\d+)-", "$1"));
  }

  private static void send(HttpExchange exchange, int status, byte[] bytes) throws IOException {
    exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
    try (OutputStream out = exchange.getResponseBody()) {
      out.write(bytes);
    }
  }

  @Override
  public void close() {
    hub.stop(0);
    cdn.stop(0);
    threads.shutdownNow();
  }
}
