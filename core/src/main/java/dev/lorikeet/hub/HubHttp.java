package dev.lorikeet.hub;

import dev.lorikeet.error.RunException;
import dev.lorikeet.hub.HubResponse.Linked;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Requests to the hub: redirects, waiting and trying again, and the token, which goes to the hub's
 * own scheme, host and port and nowhere else. Redirects are followed here because the JDK's client
 * would not show the headers of the answers in between.
 */
final class HubHttp implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(HubHttp.class.getName());
  private static final int MOST_REDIRECTS = 10;
  private static final Pattern RATE_LIMIT = Pattern.compile(";\\s*t=(\\d{1,9})");

  private final HubSettings settings;
  private final HubErrors errors;
  private final Pause pause;
  private final Clock clock;
  private final HttpClient client;

  HubHttp(HubSettings settings, Pause pause, Clock clock) {
    this.settings = settings;
    this.pause = pause;
    this.clock = clock;
    errors = new HubErrors(settings);
    // With HTTP/2 all files would share one connection and its flow control.
    client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(settings.patience().connect())
            .build();
  }

  HubErrors errors() {
    return errors;
  }

  /**
   * The answer to a GET request, once it is no error; the caller closes it.
   *
   * @param headers of the request, besides the token
   * @throws dev.lorikeet.error.LorikeetException if the hub refuses, or cannot be reached
   */
  HubResponse get(HubQuestion question, Map<String, String> headers, HubListener listener)
      throws InterruptedException {
    Patience patience = settings.patience();
    for (int failures = 1; ; failures++) {
      try {
        HubResponse response = follow(question, headers);
        int status = response.status();
        boolean acceptable =
            status == 200 || status == 206 || (status == 416 && headers.containsKey("Range"));
        if (acceptable) {
          return response;
        }
        response.close();
        boolean passing = status == 429 || status == 408 || status >= 500;
        if (!passing) {
          throw errors.refused(question, response);
        }
        waitOrGiveUp(question, response, failures, listener);
      } catch (IOException failure) {
        if (failures >= patience.attempts()) {
          throw errors.unreachable(question, question.url(), failure, failures);
        }
        waitAfter(failures, HubErrors.reason(failure), question, listener);
      }
    }
  }

  /** The pause after a connection that failed for the {@code failures}-th time in a row. */
  void waitAfter(int failures, String reason, HubQuestion question, HubListener listener)
      throws InterruptedException {
    Duration wait = settings.patience().waitAfter(failures);
    listener.notice(
        "%s: %s; trying again in %s"
            .formatted(question.words(), settings.shown(reason), words(wait)));
    pause.of(wait);
  }

  private void waitOrGiveUp(
      HubQuestion question, HubResponse response, int failures, HubListener listener)
      throws InterruptedException {
    Patience patience = settings.patience();
    Optional<Duration> asked = asked(response);
    String place = HubErrors.place(response.from());
    String reason =
        response.status() == 429
            ? place + " answers too many requests (429)"
            : place + " has a failure (" + response.status() + ")";
    if (asked.isPresent() && asked.get().compareTo(patience.longestWait()) > 0) {
      throw new RunException(
          "Could not get %s: %s and asks to come back in %s. Run again then: what came so far is kept.%s"
              .formatted(
                  question.words(), reason, words(asked.get()), moreWithToken(response.status())));
    }
    if (failures >= patience.attempts()) {
      throw new RunException(
          "Could not get %s: %s, after %d attempts. Run again later: what came so far is kept.%s"
              .formatted(question.words(), reason, failures, moreWithToken(response.status())));
    }
    Duration wait = asked.orElseGet(() -> patience.waitAfter(failures));
    listener.notice(reason + "; trying again in " + words(wait));
    pause.of(wait);
  }

  private String moreWithToken(int status) {
    return status == 429 && settings.token().isEmpty()
        ? " With a token in HF_TOKEN the hub allows more."
        : "";
  }

  /** How long a server asks to wait: {@code Retry-After} or the draft's {@code RateLimit}. */
  private Optional<Duration> asked(HubResponse response) {
    Optional<String> after = response.header("Retry-After").map(String::strip);
    if (after.isPresent()) {
      if (after.get().matches("\\d{1,9}")) {
        return Optional.of(Duration.ofSeconds(Long.parseLong(after.get())));
      }
      try {
        Instant then =
            ZonedDateTime.parse(after.get(), DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
        Duration left = Duration.between(clock.instant(), then);
        return Optional.of(left.isNegative() ? Duration.ZERO : left);
      } catch (DateTimeException unreadable) {
        return Optional.empty();
      }
    }
    Matcher limit = RATE_LIMIT.matcher(response.header("RateLimit").orElse(""));
    return response.status() == 429 && limit.find()
        ? Optional.of(Duration.ofSeconds(Long.parseLong(limit.group(1))))
        : Optional.empty();
  }

  private static String words(Duration time) {
    return time.toMinutes() >= 2
        ? time.toMinutes() + " min"
        : time.toMillis() < 1000 ? time.toMillis() + " ms" : time.toSeconds() + " s";
  }

  private HubResponse follow(HubQuestion question, Map<String, String> headers)
      throws IOException, InterruptedException {
    URI at = question.url();
    Linked linked = Linked.NOTHING;
    for (int hop = 0; hop <= MOST_REDIRECTS; hop++) {
      HttpResponse<Flow.Publisher<List<ByteBuffer>>> answer = send(request(at, headers));
      BodyReader body = new BodyReader(answer.body(), settings.patience().silence());
      LOG.log(Level.DEBUG, "get=" + withoutQuery(at) + " status=" + answer.statusCode());
      if (ours(at)) {
        linked = linked.and(answer.headers());
      }
      if (!redirects(answer.statusCode())) {
        return new HubResponse(at, answer.statusCode(), answer.headers(), linked, body);
      }
      body.close();
      at = target(question, at, answer.headers());
    }
    throw new RunException(
        "Could not get %s: more than %d redirects, the last to %s. HF_ENDPOINT may be the address of something else than a hub."
            .formatted(question.words(), MOST_REDIRECTS, HubErrors.place(at)));
  }

  private static boolean redirects(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
  }

  private URI target(HubQuestion question, URI from, HttpHeaders headers) {
    String location = headers.firstValue("Location").orElse("");
    try {
      URI next = from.resolve(location);
      boolean secure = "https".equals(next.getScheme());
      boolean plain = "http".equals(next.getScheme()) && !"https".equals(from.getScheme());
      if (!location.isEmpty() && next.getHost() != null && (secure || plain)) {
        return next;
      }
    } catch (IllegalArgumentException unreadable) {
      throw new RunException(redirectProblem(question, from));
    }
    throw new RunException(redirectProblem(question, from));
  }

  private static String redirectProblem(HubQuestion question, URI from) {
    return "Could not get %s: %s redirects to an address that is missing, cannot be read or is less secure."
        .formatted(question.words(), HubErrors.place(from));
  }

  private HttpRequest request(URI at, Map<String, String> headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(at)
            .header("User-Agent", "lorikeet")
            // A compressed answer has another length and no ranges of the file itself.
            .header("Accept-Encoding", "identity");
    headers.forEach(request::header);
    if (ours(at)) {
      settings.token().ifPresent(token -> token.authorize(request));
    }
    return request.build();
  }

  /** Whether {@code address} is the hub itself: same scheme, host and port. */
  private boolean ours(URI address) {
    URI hub = settings.endpoint();
    return hub.getScheme().equals(address.getScheme())
        && hub.getHost().equalsIgnoreCase(address.getHost())
        && port(hub) == port(address);
  }

  private static int port(URI address) {
    return address.getPort() >= 0
        ? address.getPort()
        : "https".equals(address.getScheme()) ? 443 : 80;
  }

  private HttpResponse<Flow.Publisher<List<ByteBuffer>>> send(HttpRequest request)
      throws IOException, InterruptedException {
    CompletableFuture<HttpResponse<Flow.Publisher<List<ByteBuffer>>>> answer =
        client.sendAsync(request, BodyHandlers.ofPublisher());
    try {
      return answer.get(settings.patience().silence().toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException late) {
      answer.cancel(true);
      throw new HttpTimeoutException(
          "no answer for " + settings.patience().silence().toSeconds() + " s");
    } catch (InterruptedException stopped) {
      answer.cancel(true);
      throw stopped;
    } catch (ExecutionException failed) {
      Throwable cause = failed.getCause();
      if (cause instanceof IOException io) {
        throw io;
      }
      throw new IOException(String.valueOf(cause), cause);
    }
  }

  /** An address as logs may hold it: the query of a signed one is a secret. */
  private static String withoutQuery(URI address) {
    return HubErrors.place(address) + address.getRawPath();
  }

  @Override
  public void close() {
    client.shutdownNow();
  }
}
