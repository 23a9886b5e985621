package dev.lorikeet.judge;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.RunException;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A model behind an HTTP endpoint with OpenAI's chat protocol: {@code POST BASE/chat/completions}.
 *
 * <p>Answered with 408, 429 or 5xx, not in time, or with something that is no completion, a request
 * is repeated after the time that {@code Retry-After} asks for, else after 1, 2, 4 … at most 60
 * seconds. Redirects are not followed, because the key would go along. The key appears in no
 * message.
 *
 * @see <a href="https://platform.openai.com/docs/api-reference/chat">Chat completions</a>
 */
public final class ChatEndpoint implements ChatModel {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();
  private static final Set<Integer> BUSY = Set.of(408, 409, 425, 429);
  private static final Duration LONGEST_BACK_OFF = Duration.ofSeconds(60);
  private static final Duration LONGEST_WAIT = Duration.ofMinutes(15);
  private static final int MOST_BODY = 300;
  private static final long MOST_RESPONSE_BYTES = 16_000_000;
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(20);

  private final EndpointSettings settings;
  private final Optional<String> key;
  private final HttpClient client;
  private final Waiting waiting;

  private ChatEndpoint(
      EndpointSettings settings, Optional<String> key, HttpClient client, Waiting waiting) {
    this.settings = settings;
    this.key = key;
    this.client = client;
    this.waiting = waiting;
  }

  /**
   * An endpoint, not asked yet.
   *
   * @param environment value of an environment variable, as {@code name ->
   *     Optional.ofNullable(System.getenv(name))}
   * @param client that follows no redirects, such as {@link #client}
   * @throws ConfigException if the key's variable is not set
   */
  public static ChatEndpoint of(
      EndpointSettings settings,
      Function<String, Optional<String>> environment,
      HttpClient client,
      Waiting waiting) {
    Optional<String> key = settings.keyVariable().map(name -> key(name, environment.apply(name)));
    return new ChatEndpoint(settings, key, client, waiting);
  }

  /** HTTP/1.1, which all such endpoints speak, without redirects. */
  public static HttpClient client() {
    return HttpClient.newBuilder()
        .version(HttpClient.Version.HTTP_1_1)
        .followRedirects(HttpClient.Redirect.NEVER)
        .connectTimeout(CONNECT_TIMEOUT)
        .build();
  }

  private static String key(String variable, Optional<String> value) {
    String key = value.map(String::strip).orElse("");
    if (key.isEmpty() || !key.chars().allMatch(c -> c > ' ' && c < 127)) {
      throw new ConfigException(
          "The judge's endpoint needs a key in the environment variable "
              + variable
              + (key.isEmpty()
                  ? ", which is not set; set it and run again"
                  : ", which holds characters that no key has; set it again"));
    }
    return key;
  }

  @Override
  public String identity() {
    return "endpoint "
        + settings.completions()
        + " model "
        + settings.model()
        + " temperature "
        + settings.temperature()
        + " max_tokens "
        + settings.maxTokens();
  }

  @Override
  public String reply(List<ChatMessage> conversation) {
    HttpRequest request = request(conversation);
    String problem = "";
    for (int attempt = 1; attempt <= settings.attempts(); attempt++) {
      Outcome outcome = ask(request);
      if (outcome instanceof Outcome.Reply(String text)) {
        return text;
      }
      Outcome.Failure failure = (Outcome.Failure) outcome;
      problem = failure.problem;
      if (attempt < settings.attempts()) {
        pause(failure.after.orElse(backOff(attempt)), problem);
      }
    }
    throw new RunException(
        "The judge %s at %s gave no reply in %d attempts; the last time: %s. Verdicts so far are kept; run again to go on."
            .formatted(settings.model(), settings.completions(), settings.attempts(), problem));
  }

  private HttpRequest request(List<ChatMessage> conversation) {
    List<Map<String, String>> messages = new ArrayList<>();
    for (ChatMessage message : conversation) {
      Map<String, String> json = new LinkedHashMap<>();
      json.put("role", message.role().spelling());
      json.put("content", message.content());
      messages.add(json);
    }
    Map<String, Object> body = new LinkedHashMap<>();
    body.put("model", settings.model());
    body.put("messages", messages);
    body.put("temperature", settings.temperature());
    body.put("max_tokens", settings.maxTokens());
    HttpRequest.Builder request =
        HttpRequest.newBuilder(settings.completions())
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(MAPPER.writeValueAsString(body)));
    key.ifPresent(secret -> request.header("Authorization", "Bearer " + secret));
    return request.build();
  }

  private sealed interface Outcome {
    record Reply(String text) implements Outcome {}

    /** Worth another attempt, after the time that the endpoint asks for. */
    record Failure(String problem, Optional<Duration> after) implements Outcome {}
  }

  /** The client's own time limit ends with the headers; a body may still stall. */
  private Outcome ask(HttpRequest request) {
    CompletableFuture<HttpResponse<String>> asked =
        client.sendAsync(
            request,
            HttpResponse.BodyHandlers.limiting(
                HttpResponse.BodyHandlers.ofString(), MOST_RESPONSE_BYTES));
    try {
      return read(asked.get(settings.timeout().toMillis(), TimeUnit.MILLISECONDS));
    } catch (TimeoutException late) {
      return new Outcome.Failure(
          "no whole reply in " + settings.timeout().toMillis() + " ms", Optional.empty());
    } catch (ExecutionException failure) {
      if (failure.getCause() instanceof IOException broken) {
        return new Outcome.Failure(
            broken.getClass().getSimpleName() + " " + shown(String.valueOf(broken.getMessage())),
            Optional.empty());
      }
      throw new IllegalStateException("the HTTP client failed", failure.getCause());
    } catch (InterruptedException stop) {
      throw interrupted(stop);
    } finally {
      asked.cancel(true);
    }
  }

  private Outcome read(HttpResponse<String> response) {
    int status = response.statusCode();
    if (status == 200) {
      return completion(response.body());
    }
    String problem = "status " + status + ", " + shown(response.body());
    if (status >= 500 || BUSY.contains(status)) {
      return new Outcome.Failure(
          problem, response.headers().firstValue("Retry-After").flatMap(waiting::retryAfter));
    }
    throw new RunException(
        "The judge %s at %s refused the request: %s. Check its address, model name and key."
            .formatted(settings.model(), settings.completions(), problem));
  }

  private Outcome completion(String body) {
    try {
      JsonNode content =
          MAPPER.readTree(body).path("choices").path(0).path("message").path("content");
      return content.isString()
          ? new Outcome.Reply(content.asString())
          : new Outcome.Failure(
              "a reply without choices[0].message.content: " + shown(body), Optional.empty());
    } catch (JacksonException notJson) {
      return new Outcome.Failure("a reply that is not JSON: " + shown(body), Optional.empty());
    }
  }

  private static Duration backOff(int attempt) {
    Duration wait = Duration.ofSeconds(1L << Math.min(attempt - 1, 10));
    return wait.compareTo(LONGEST_BACK_OFF) < 0 ? wait : LONGEST_BACK_OFF;
  }

  private void pause(Duration wait, String problem) {
    if (wait.compareTo(LONGEST_WAIT) > 0) {
      throw new RunException(
          "The judge %s at %s asks to wait %d minutes: %s. Verdicts so far are kept; run again then."
              .formatted(settings.model(), settings.completions(), wait.toMinutes(), problem));
    }
    try {
      waiting.pause(wait);
    } catch (InterruptedException stop) {
      throw interrupted(stop);
    }
  }

  private static RunException interrupted(InterruptedException stop) {
    Thread.currentThread().interrupt();
    return new RunException(
        "Judging was interrupted. Verdicts so far are kept; run again to go on.", stop);
  }

  /** The beginning of a text on one line, without the key should an endpoint repeat it. */
  private String shown(String text) {
    String line = text.replaceAll("\\s+", " ").strip();
    String safe = key.map(secret -> line.replace(secret, "[key]")).orElse(line);
    return safe.length() <= MOST_BODY ? safe : safe.substring(0, MOST_BODY) + "...";
  }
}
