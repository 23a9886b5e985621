package dev.lorikeet.judge;

import dev.lorikeet.error.ConfigException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * How an endpoint with OpenAI's chat protocol is asked.
 *
 * @param baseUrl up to and without {@code /chat/completions}, as {@code https://host/v1}
 * @param model name of the model there
 * @param keyVariable environment variable with the key; empty for endpoints without one
 * @param timeout of one request
 * @param attempts of one request, at least 1
 * @param temperature at least 0; 0 for verdicts that can be repeated
 * @param maxTokens of a reply, at least 1
 */
public record EndpointSettings(
    URI baseUrl,
    String model,
    Optional<String> keyVariable,
    Duration timeout,
    int attempts,
    double temperature,
    int maxTokens) {
  private static final Set<String> THIS_MACHINE = Set.of("localhost", "127.0.0.1", "[::1]", "::1");

  public EndpointSettings {
    List<String> problems = new ArrayList<>();
    String scheme = String.valueOf(baseUrl.getScheme()).toLowerCase(Locale.ROOT);
    String host = String.valueOf(baseUrl.getHost()).toLowerCase(Locale.ROOT);
    if (!Set.of("http", "https").contains(scheme) || baseUrl.getHost() == null) {
      problems.add("the base URL must be like https://host/v1, found " + baseUrl);
    } else if (scheme.equals("http") && keyVariable.isPresent() && !THIS_MACHINE.contains(host)) {
      problems.add(
          "the base URL " + baseUrl + " would carry the key unencrypted; use https, or no key");
    }
    if (baseUrl.getUserInfo() != null || baseUrl.getQuery() != null) {
      problems.add("the base URL must hold no user, password or query; keys belong in a variable");
    }
    if (model.isBlank()) {
      problems.add("the model must have a name");
    }
    if (attempts < 1 || maxTokens < 1 || timeout.isNegative() || timeout.isZero()) {
      problems.add("attempts, tokens and timeout must be above 0");
    }
    if (!(temperature >= 0 && temperature <= 2)) {
      problems.add("the temperature must be from 0 to 2, found " + temperature);
    }
    if (!problems.isEmpty()) {
      throw new ConfigException("The judge's endpoint", problems);
    }
  }

  /** Requests of two minutes at most, six attempts, temperature 0, 1,024 tokens. */
  public static EndpointSettings of(URI baseUrl, String model, Optional<String> keyVariable) {
    return new EndpointSettings(baseUrl, model, keyVariable, Duration.ofMinutes(2), 6, 0, 1024);
  }

  URI completions() {
    String base = baseUrl.toString();
    return URI.create((base.endsWith("/") ? base : base + "/") + "chat/completions");
  }
}
