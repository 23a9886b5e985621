package dev.lorikeet.judge;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.function.Function;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** An endpoint of this machine that answers as a test says, and keeps what it was asked. */
final class ChatStub implements AutoCloseable {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private static final int STALLS = 0;

  private final CountDownLatch closed = new CountDownLatch(1);
  private final HttpServer server;
  private final List<Request> requests = new CopyOnWriteArrayList<>();

  /** What was asked: path, Authorization header (empty if none), and body. */
  record Request(String path, String authorization, JsonNode body) {
    /** The content of the last message. */
    String last() {
      JsonNode messages = body.path("messages");
      return messages.path(messages.size() - 1).path("content").asString();
    }
  }

  /** What is answered. */
  record Response(int status, String body, String retryAfter) {
    /** A completion that says {@code text}. */
    static Response saying(String text) {
      return new Response(
          200,
          MAPPER.writeValueAsString(
              Map.of(
                  "choices",
                  List.of(Map.of("message", Map.of("role", "assistant", "content", text))))),
          "");
    }

    /** Headers and the beginning of a body, and then nothing. */
    static Response stalling() {
      return new Response(STALLS, "", "");
    }

    static Response status(int status) {
      return new Response(status, "{\"error\": \"status " + status + "\"}", "");
    }
  }

  private ChatStub(HttpServer server) {
    this.server = server;
  }

  static ChatStub answering(Function<Request, Response> answers) {
    try {
      HttpServer server =
          HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      ChatStub stub = new ChatStub(server);
      server.createContext("/", exchange -> stub.handle(exchange, answers));
      server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
      server.start();
      return stub;
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private void handle(HttpExchange exchange, Function<Request, Response> answers)
      throws IOException {
    try (exchange) {
      String key = exchange.getRequestHeaders().getFirst("Authorization");
      Request request =
          new Request(
              exchange.getRequestURI().getPath(),
              key == null ? "" : key,
              MAPPER.readTree(exchange.getRequestBody().readAllBytes()));
      requests.add(request);
      Response response = answers.apply(request);
      if (!response.retryAfter.isEmpty()) {
        exchange.getResponseHeaders().add("Retry-After", response.retryAfter);
      }
      if (response.status == STALLS) {
        exchange.sendResponseHeaders(200, 0);
        exchange.getResponseBody().write('{');
        exchange.getResponseBody().flush();
        awaitClosing();
        return;
      }
      byte[] body = response.body.getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(response.status, body.length == 0 ? -1 : body.length);
      exchange.getResponseBody().write(body);
    }
  }

  private void awaitClosing() {
    try {
      closed.await();
    } catch (InterruptedException stop) {
      Thread.currentThread().interrupt();
    }
  }

  URI base() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/v1");
  }

  List<Request> requests() {
    return requests;
  }

  @Override
  public void close() {
    closed.countDown();
    server.stop(0);
  }
}
