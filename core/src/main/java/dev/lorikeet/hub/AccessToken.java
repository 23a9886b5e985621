package dev.lorikeet.hub;

import dev.lorikeet.error.ConfigException;
import java.net.http.HttpRequest;
import java.util.regex.Pattern;

/**
 * The secret that shows the hub who asks. It leaves this class in the header of a request only;
 * {@link #toString} tells where it came from.
 */
public final class AccessToken {
  private static final Pattern FORM = Pattern.compile("[\\x21-\\x7e]+");

  private final String value;
  private final String source;

  /**
   * A token.
   *
   * @param value white space around it is dropped
   * @param source where it was found, for messages
   * @throws ConfigException if it holds what no header may hold; the message does not show it
   */
  public AccessToken(String value, String source) {
    String stripped = value.strip();
    if (!FORM.matcher(stripped).matches()) {
      throw new ConfigException(
          "the access token from %s is empty or holds spaces, line ends or other characters that a token never has; copy it again from the hub's settings"
              .formatted(source));
    }
    this.value = stripped;
    this.source = source;
  }

  /** Where the token was found: a variable or a file. */
  public String source() {
    return source;
  }

  /** Adds the token to a request; the caller has made sure that it goes to the hub. */
  void authorize(HttpRequest.Builder request) {
    request.setHeader("Authorization", "Bearer " + value);
  }

  /** {@code text} with stars where a server repeated the token. */
  String scrub(String text) {
    return text.replace(value, "***");
  }

  @Override
  public String toString() {
    return "access token from " + source;
  }
}
