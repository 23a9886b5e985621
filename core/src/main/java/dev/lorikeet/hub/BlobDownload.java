package dev.lorikeet.hub;

import dev.lorikeet.error.RunException;
import dev.lorikeet.hub.HubResponse.Range;
import java.io.IOException;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongConsumer;

/**
 * Fetches the content of one file into its {@link PartialBlob}, with as many requests as it takes.
 *
 * <p>Bytes that are there stay, and only the rest is asked for, if the server still has the same
 * entity: {@code If-Range} asks for that, and what it answers is checked. In the end size and
 * checksum decide. A content with a wrong sum is fetched again from its start, then given up.
 */
final class BlobDownload {
  private static final int MOST_WRONG_CONTENTS = 2;

  private final HubHttp http;
  private final HubSettings settings;
  private final HubQuestion question;
  private final HubFile file;
  private final PartialBlob partial;
  private final HubListener listener;
  private final LongConsumer progress;

  private Optional<String> entity = Optional.empty();
  private String source = "";
  private boolean rangesAreUseless;
  private int failures;
  private int wrongContents;
  private long farthest;

  /**
   * A download into {@code partial}.
   *
   * @param progress told the bytes that are there after each change
   */
  BlobDownload(
      HubHttp http,
      HubSettings settings,
      HubQuestion question,
      HubFile file,
      PartialBlob partial,
      HubListener listener,
      LongConsumer progress) {
    this.http = http;
    this.settings = settings;
    this.question = question;
    this.file = file;
    this.partial = partial;
    this.listener = listener;
    this.progress = progress;
    farthest = partial.length();
    source = HubErrors.place(question.url());
  }

  /**
   * Fetches until all bytes are there and right.
   *
   * @throws dev.lorikeet.error.LorikeetException if the hub refuses, breaks off to the end of
   *     patience, or serves other bytes than it announced
   */
  void run() throws IOException, InterruptedException {
    while (true) {
      if (partial.full()) {
        String sum = partial.sum();
        if (sum.equals(file.etag())) {
          return;
        }
        wrong("%s %s instead of %s".formatted(file.hash().algorithm(), sum, file.etag()));
      }
      try (HubResponse response = http.get(question, headers(), listener)) {
        source = HubErrors.place(response.from());
        requireAnnounced(response);
        if (begins(response)) {
          receive(response.body());
        }
      } catch (Cut cut) {
        broke(cut.reason);
      }
    }
  }

  private Map<String, String> headers() {
    Map<String, String> headers = new HashMap<>();
    if (partial.length() > 0 && !rangesAreUseless) {
      headers.put("Range", "bytes=" + partial.length() + "-");
      entity.ifPresent(tag -> headers.put("If-Range", tag));
    }
    return headers;
  }

  /** The hub has to mean the same file at the same commit as its list. */
  private void requireAnnounced(HubResponse response) {
    String commit = question.about().revision();
    Optional<String> problem =
        response
            .linked()
            .commit()
            .filter(other -> !other.equals(commit))
            .map(other -> "commit " + other + " instead of " + commit)
            .or(() ->
                response
                    .linked()
                    .etag()
                    .filter(tag -> !tag.equals(file.etag()))
                    .map(tag -> "the checksum " + tag + " instead of " + file.etag()))
            .or(() -> {
              long size = response.linked().size().orElse(file.size());
              return size == file.size()
                  ? Optional.empty()
                  : Optional.of(size + " bytes instead of " + file.size());
            });
    if (problem.isPresent()) {
      throw new RunException(
          "%s contradicts its own list of files: for %s it has %s. Try again later."
              .formatted(
                  HubErrors.place(settings.endpoint()),
                  question.words(),
                  settings.shown(problem.get())));
    }
  }

  /** Whether the body goes on behind the bytes that are there; dropping them if it has to. */
  private boolean begins(HubResponse response) throws IOException, Cut {
    if (response.header("Content-Encoding").filter(e -> !e.equals("identity")).isPresent()) {
      wrong("compressed bytes, which nobody asked for,");
      return false;
    }
    return switch (response.status()) {
      case 200 -> {
        restart();
        entity = response.strongEtag();
        long length = response.contentLength().orElse(file.size());
        if (length != file.size()) {
          wrong(length + " bytes instead of " + file.size());
          yield false;
        }
        yield true;
      }
      case 206 -> goesOn(response);
      default -> throw useless("the server has no such range");
    };
  }

  private boolean goesOn(HubResponse response) throws IOException, Cut {
    Optional<Range> range = response.range();
    boolean fits =
        range.isPresent()
            && range.get().first() == partial.length()
            && range.get().total().orElse(file.size()) == file.size();
    if (!fits) {
      throw useless("the server sent another part than it was asked for");
    }
    Optional<String> tag = response.strongEtag();
    if (entity.isPresent() && tag.isPresent() && !tag.equals(entity)) {
      entity = Optional.empty();
      throw useless("the file changed on the server in the meantime");
    }
    entity = tag.or(() -> entity);
    return true;
  }

  /** Begins anew, without asking for parts again. */
  private Cut useless(String reason) throws IOException {
    rangesAreUseless = true;
    restart();
    return new Cut(reason + "; starting the file again");
  }

  private void restart() throws IOException {
    if (partial.length() > 0) {
      partial.clear();
      progress.accept(0);
    }
  }

  private void receive(BodyReader body) throws IOException, InterruptedException, Cut {
    while (true) {
      Optional<List<ByteBuffer>> next;
      try {
        next = body.next();
      } catch (IOException broken) {
        throw new Cut(
            broken instanceof HttpTimeoutException
                ? HubErrors.reason(broken)
                : "the connection broke after %d of %d bytes"
                    .formatted(partial.length(), file.size()));
      }
      if (next.isEmpty()) {
        break;
      }
      for (ByteBuffer bytes : next.get()) {
        if (bytes.remaining() > file.size() - partial.length()) {
          wrong("more than the announced " + file.size() + " bytes");
          return;
        }
        partial.append(bytes);
      }
      progress.accept(partial.length());
    }
    if (!partial.full()) {
      throw new Cut(
          "the connection ended after %d of %d bytes".formatted(partial.length(), file.size()));
    }
  }

  /** A request brought no end: waits and counts, unless there are more bytes than ever before. */
  private void broke(String reason) throws InterruptedException {
    failures = partial.length() > farthest ? 1 : failures + 1;
    farthest = Math.max(farthest, partial.length());
    if (failures >= settings.patience().attempts()) {
      throw http.errors().unreachable(question, question.url(), new IOException(reason), failures);
    }
    http.waitAfter(failures, reason, question, listener);
  }

  /** The server sent what the file is not; once that may be a broken cache on the way. */
  private void wrong(String found) throws IOException {
    partial.clear();
    progress.accept(0);
    farthest = 0;
    rangesAreUseless = true;
    wrongContents++;
    if (wrongContents >= MOST_WRONG_CONTENTS) {
      throw new RunException(
          "%s serves other bytes for %s than the hub announced: %s, %d times. Nothing of it was kept. Try again later, or over another network."
              .formatted(source, question.words(), settings.shown(found), wrongContents));
    }
    listener.notice(
        "%s: %s came; starting the file again".formatted(question.words(), settings.shown(found)));
  }

  /** A response that ended before its file did. */
  private static final class Cut extends Exception {
    private static final long serialVersionUID = 1;

    private final String reason;

    Cut(String reason) {
      super(reason, null, false, false);
      this.reason = reason;
    }
  }
}
