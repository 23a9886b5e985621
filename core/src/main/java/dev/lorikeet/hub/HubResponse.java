package dev.lorikeet.hub;

import java.net.URI;
import java.net.http.HttpHeaders;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An answer behind all redirects.
 *
 * @param from who gave it
 * @param linked what the hub itself said of the file on the way
 */
record HubResponse(URI from, int status, HttpHeaders headers, Linked linked, BodyReader body)
    implements AutoCloseable {
  private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d+)-(\\d+)/(\\d+|\\*)");

  /**
   * What the hub says of a file before it sends its reader to another host: the headers {@code
   * X-Linked-Etag}, {@code X-Linked-Size} and {@code X-Repo-Commit}.
   */
  record Linked(Optional<String> etag, OptionalLong size, Optional<String> commit) {
    static final Linked NOTHING =
        new Linked(Optional.empty(), OptionalLong.empty(), Optional.empty());

    /** This, with what {@code headers} add; an earlier answer counts before a later one. */
    Linked and(HttpHeaders headers) {
      return new Linked(
          etag.or(() -> headers.firstValue("X-Linked-Etag").map(HubResponse::plain)),
          size.isPresent() ? size : number(headers, "X-Linked-Size"),
          commit.or(() -> headers.firstValue("X-Repo-Commit")));
    }
  }

  /**
   * The part of a file that an answer with status 206 holds.
   *
   * @param first position of its first byte
   * @param total size of the whole file, if it is told
   */
  record Range(long first, OptionalLong total) {}

  /** {@code Content-Range}; empty if it is missing or cannot be read. */
  Optional<Range> range() {
    Matcher matcher = CONTENT_RANGE.matcher(header("Content-Range").orElse(""));
    if (!matcher.matches() || matcher.group(1).length() > 18 || matcher.group(3).length() > 18) {
      return Optional.empty();
    }
    String total = matcher.group(3);
    return Optional.of(
        new Range(
            Long.parseLong(matcher.group(1)),
            total.equals("*") ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(total))));
  }

  /** Bytes that the body will have, if they are told. */
  OptionalLong contentLength() {
    return number(headers, "Content-Length");
  }

  /** The entity tag that may stand in {@code If-Range}: a strong one. */
  Optional<String> strongEtag() {
    return header("ETag").filter(tag -> tag.startsWith("\"") && tag.length() > 2);
  }

  Optional<String> header(String name) {
    return headers.firstValue(name);
  }

  private static OptionalLong number(HttpHeaders headers, String name) {
    String text = headers.firstValue(name).orElse("");
    return text.matches("\\d{1,18}") ? OptionalLong.of(Long.parseLong(text)) : OptionalLong.empty();
  }

  /** An entity tag without its quotation marks and its mark of weakness. */
  private static String plain(String etag) {
    return etag.replaceFirst("^W/", "").replace("\"", "");
  }

  @Override
  public void close() {
    body.close();
  }
}
