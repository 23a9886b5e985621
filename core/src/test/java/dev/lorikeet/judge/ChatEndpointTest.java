package dev.lorikeet.judge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.LorikeetException;
import dev.lorikeet.error.RunException;
import dev.lorikeet.judge.ChatMessage.Role;
import dev.lorikeet.judge.ChatStub.Response;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The client against a stub endpoint; waiting is recorded, not done. */
class ChatEndpointTest {
  private static final String KEY = "sk-secret-123";
  private static final List<ChatMessage> HELLO =
      List.of(
          new ChatMessage(Role.SYSTEM, "be kind"), new ChatMessage(Role.USER, "h\u00e4llo \"x\""));

  private final List<Duration> pauses = new ArrayList<>();

  @Test
  void aConversationIsSentAndTheReplyRead() {
    try (ChatStub stub = ChatStub.answering(_ -> Response.saying("good d\u00e4y\n"))) {
      assertEquals("good d\u00e4y\n", endpoint(stub).reply(HELLO));
      ChatStub.Request request = stub.requests().getFirst();
      assertEquals("/v1/chat/completions", request.path());
      assertEquals("Bearer " + KEY, request.authorization());
      assertEquals(
          "{\"model\":\"judge-1\",\"messages\":[{\"role\":\"system\",\"content\":\"be kind\"},"
              + "{\"role\":\"user\",\"content\":\"h\u00e4llo \\\"x\\\"\"}],\"temperature\":0.0,"
              + "\"max_tokens\":1024}",
          request.body().toString());
    }
  }

  @Test
  void withoutVariableNoKeyIsSent() {
    try (ChatStub stub = ChatStub.answering(_ -> Response.saying("yes"))) {
      ChatEndpoint endpoint = open(EndpointSettings.of(stub.base(), "judge-1", Optional.empty()));
      assertEquals("yes", endpoint.reply(HELLO));
      assertEquals("", stub.requests().getFirst().authorization());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {408, 429, 500, 502, 503, 529})
  void aBusyEndpointIsAskedAgain(int status) {
    try (ChatStub stub =
        inTurn(Response.status(status), Response.status(status), Response.saying("ok"))) {
      assertEquals("ok", endpoint(stub).reply(HELLO));
      assertEquals(List.of(Duration.ofSeconds(1), Duration.ofSeconds(2)), pauses);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "7, PT7S",
    "'Sun, 06 Nov 1994 08:50:07 GMT', PT30S",
    "'Sun, 06 Nov 1994 08:00:00 GMT', PT0S",
    "soon, PT1S"
  })
  void retryAfterIsHeeded(String header, Duration expected) {
    try (ChatStub stub = inTurn(new Response(429, "", header), Response.saying("ok"))) {
      assertEquals("ok", endpoint(stub).reply(HELLO));
      assertEquals(List.of(expected), pauses);
    }
  }

  @Test
  void anEndpointThatWantsHoursIsNotWaitedFor() {
    try (ChatStub stub = inTurn(new Response(429, "quota", "7200"))) {
      RunException failed = assertThrows(RunException.class, () -> endpoint(stub).reply(HELLO));
      assertTrue(failed.getMessage().contains("asks to wait 120 minutes"), failed.getMessage());
      assertEquals(List.of(), pauses);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "not JSON",
        "{}",
        "{\"choices\":[]}",
        "{\"choices\":[{\"message\":{\"content\":null}}]}",
        "[1"
      })
  void repliesThatAreNoCompletionsAreAskedForAgain(String body) {
    try (ChatStub stub = inTurn(new Response(200, body, ""), Response.saying("ok"))) {
      assertEquals("ok", endpoint(stub).reply(HELLO));
      assertEquals(2, stub.requests().size());
    }
  }

  @Test
  void anEndpointThatStaysDownIsGivenUp() {
    try (ChatStub stub = ChatStub.answering(_ -> Response.status(503))) {
      RunException failed = assertThrows(RunException.class, () -> endpoint(stub).reply(HELLO));
      assertEquals(4, stub.requests().size());
      assertTrue(failed.getMessage().contains("gave no reply in 4 attempts"), failed.getMessage());
      assertTrue(failed.getMessage().contains("status 503"), failed.getMessage());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {400, 401, 403, 404, 302})
  void aRefusalIsToldAtOnceWithoutTheKey(int status) {
    try (ChatStub stub = inTurn(new Response(status, "wrong key " + KEY + "\n!", ""))) {
      RunException failed = assertThrows(RunException.class, () -> endpoint(stub).reply(HELLO));
      assertEquals(1, stub.requests().size());
      assertTrue(failed.getMessage().contains("status " + status + ", wrong key [key] !"));
      assertNoKey(failed);
    }
  }

  @Test
  void anEndpointThatStallsIsAskedAgain() {
    AtomicInteger asked = new AtomicInteger();
    try (ChatStub stub =
        ChatStub.answering(
            _ -> asked.getAndIncrement() == 0 ? Response.stalling() : Response.saying("ok"))) {
      EndpointSettings settings =
          new EndpointSettings(
              stub.base(), "judge-1", Optional.empty(), Duration.ofSeconds(1), 9, 0, 16);
      assertEquals("ok", open(settings).reply(HELLO));
      assertTrue(asked.get() >= 2, asked + " requests");
    }
  }

  @Test
  void aReplyWithoutEndIsTold() {
    try (ChatStub stub = ChatStub.answering(_ -> Response.stalling())) {
      EndpointSettings settings =
          new EndpointSettings(
              stub.base(), "judge-1", Optional.empty(), Duration.ofMillis(200), 2, 0, 16);
      RunException failed = assertThrows(RunException.class, () -> open(settings).reply(HELLO));
      assertTrue(failed.getMessage().contains("no whole reply in 200 ms"), failed.getMessage());
    }
  }

  @Test
  void aServerThatIsNotThereIsTold() {
    ChatStub stub = ChatStub.answering(_ -> Response.status(500));
    ChatEndpoint endpoint = endpoint(stub);
    stub.close();
    RunException failed = assertThrows(RunException.class, () -> endpoint.reply(HELLO));
    assertTrue(failed.getMessage().contains("ConnectException"), failed.getMessage());
    assertNoKey(failed);
  }

  @Test
  void aMissingOrBrokenKeyIsTold() {
    EndpointSettings settings =
        EndpointSettings.of(URI.create("https://host/v1"), "m", Optional.of("NOT_SET"));
    ConfigException missing = assertThrows(ConfigException.class, () -> open(settings));
    assertTrue(missing.getMessage().contains("NOT_SET, which is not set"), missing.getMessage());
    EndpointSettings broken =
        EndpointSettings.of(URI.create("https://host/v1"), "m", Optional.of("BROKEN"));
    ConfigException wrong = assertThrows(ConfigException.class, () -> open(broken));
    assertFalse(wrong.getMessage().contains("two words"), wrong.getMessage());
  }

  @ParameterizedTest
  @CsvSource({
    "ftp://host/v1, must be like https://host/v1",
    "host/v1, must be like https://host/v1",
    "http://host/v1, would carry the key unencrypted",
    "https://me:pw@host/v1, must hold no user",
    "https://host/v1?key=1, must hold no user",
  })
  void addressesThatWouldLeakOrFailAreRefused(String address, String problem) {
    ConfigException wrong =
        assertThrows(
            ConfigException.class,
            () -> EndpointSettings.of(URI.create(address), "m", Optional.of("KEY")));
    assertTrue(wrong.getMessage().contains(problem), wrong.getMessage());
  }

  @Test
  void theIdentityHoldsWhatShapesAReplyAndNoSecret() {
    try (ChatStub stub = ChatStub.answering(_ -> Response.saying("ok"))) {
      String identity = endpoint(stub).identity();
      assertTrue(identity.contains("model judge-1 temperature 0.0"), identity);
      assertFalse(identity.contains(KEY), identity);
    }
  }

  private static void assertNoKey(LorikeetException failed) {
    for (Throwable at = failed; at != null; at = at.getCause()) {
      assertFalse(String.valueOf(at).contains(KEY), String.valueOf(at));
    }
  }

  private static ChatStub inTurn(Response... responses) {
    Deque<Response> left = new ArrayDeque<>(List.of(responses));
    return ChatStub.answering(_ -> {
      synchronized (left) {
        Response next = left.poll();
        return next == null ? Response.status(418) : next;
      }
    });
  }

  private ChatEndpoint endpoint(ChatStub stub) {
    return open(
        new EndpointSettings(
            stub.base(), "judge-1", Optional.of("KEY"), Duration.ofSeconds(20), 4, 0, 1024));
  }

  private ChatEndpoint open(EndpointSettings settings) {
    Instant now = Instant.parse("1994-11-06T08:49:37Z");
    return ChatEndpoint.of(
        settings,
        name ->
            switch (name) {
              case "KEY" -> Optional.of(KEY + "\n");
              case "BROKEN" -> Optional.of("two words");
              default -> Optional.empty();
            },
        ChatEndpoint.client(),
        new Waiting(() -> now, pauses::add));
  }
}
