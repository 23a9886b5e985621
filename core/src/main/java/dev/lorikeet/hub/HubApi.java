package dev.lorikeet.hub;

import dev.lorikeet.error.RunException;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What the hub tells of a repository: {@code /api/models/ID/revision/REVISION} and {@code
 * /api/models/ID/tree/COMMIT}, or {@code datasets} instead of {@code models}. Nothing of it is
 * believed that would leave the cache's folder.
 */
final class HubApi {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final int MOST_BYTES = 64 << 20;
  private static final int MOST_PAGES = 1000;
  private static final Pattern NEXT = Pattern.compile("<([^>]*)>\\s*;\\s*rel=\"?next\"?");

  private final HubSettings settings;
  private final HubHttp http;
  private final HubListener listener;

  HubApi(HubSettings settings, HubHttp http, HubListener listener) {
    this.settings = settings;
    this.http = http;
    this.listener = listener;
  }

  /** The commit that the revision of {@code reference} means now. */
  String commit(RepoReference reference) throws InterruptedException {
    HubQuestion question = question(reference, "/revision/" + encoded(reference.revision()));
    Page page = page(question, question.url());
    String commit = page.content().path("sha").asString("");
    if (!RepoReference.isCommit(commit)) {
      throw strange(question, "no commit of 40 hexadecimal digits in \"sha\"");
    }
    return commit;
  }

  /** Every file of a commit. */
  List<HubFile> files(RepoReference pinned) throws InterruptedException {
    HubQuestion question = question(pinned, "/tree/" + pinned.revision() + "?recursive=true");
    List<HubFile> files = new ArrayList<>();
    Set<String> paths = new HashSet<>();
    Optional<URI> next = Optional.of(question.url());
    for (int pages = 0; next.isPresent(); pages++) {
      if (pages == MOST_PAGES) {
        throw strange(question, "a list of files of more than " + MOST_PAGES + " pages");
      }
      Page page = page(question, next.get());
      if (!page.content().isArray()) {
        throw strange(question, "no list of files");
      }
      for (JsonNode entry : page.content()) {
        if (entry.path("type").asString("").equals("file")) {
          HubFile file = file(question, entry);
          if (!paths.add(file.path())) {
            throw strange(question, "the file " + file.path() + " twice");
          }
          files.add(file);
        }
      }
      next = page.next();
    }
    return files;
  }

  /** Where the content of {@code file} is asked for. */
  HubQuestion content(RepoReference pinned, HubFile file) {
    String path =
        Arrays.stream(file.path().split("/")).map(HubApi::encoded).collect(Collectors.joining("/"));
    return new HubQuestion(
        URI.create(
            "%s/%s/resolve/%s/%s"
                .formatted(settings.endpoint(), pinned.repo(), pinned.revision(), path)),
        pinned,
        Optional.of(file.path()));
  }

  private HubQuestion question(RepoReference reference, String rest) {
    return new HubQuestion(
        URI.create(
            "%s/api/%s/%s%s"
                .formatted(
                    settings.endpoint(),
                    reference.repo().kind().plural(),
                    reference.repo().text(),
                    rest)),
        reference,
        Optional.empty());
  }

  private record Page(JsonNode content, Optional<URI> next) {}

  private Page page(HubQuestion question, URI url) throws InterruptedException {
    HubQuestion part = new HubQuestion(url, question.about(), question.path());
    for (int failures = 1; ; failures++) {
      try (HubResponse response = http.get(part, Map.of(), listener)) {
        JsonNode content = JSON.readTree(response.body().all(MOST_BYTES));
        return new Page(content, next(question, response));
      } catch (JacksonException notJson) {
        throw strange(question, "something that is not JSON");
      } catch (IOException broken) {
        if (failures >= settings.patience().attempts()) {
          throw http.errors().unreachable(question, url, broken, failures);
        }
        http.waitAfter(failures, HubErrors.reason(broken), question, listener);
      }
    }
  }

  private Optional<URI> next(HubQuestion question, HubResponse response) {
    Matcher link = NEXT.matcher(response.header("Link").orElse(""));
    if (!link.find()) {
      return Optional.empty();
    }
    try {
      URI next = response.from().resolve(link.group(1));
      if (next.getHost() != null && next.getHost().equals(response.from().getHost())) {
        return Optional.of(next);
      }
    } catch (IllegalArgumentException unreadable) {
      throw strange(question, "a next page without an address");
    }
    throw strange(question, "a next page on another host");
  }

  private HubFile file(HubQuestion question, JsonNode entry) {
    String path = entry.path("path").asString("");
    Optional<String> problem = HubFile.problem(path);
    if (problem.isPresent()) {
      throw strange(question, "the file name \"" + path + "\", which " + problem.get());
    }
    JsonNode large = entry.path("lfs");
    long size = (large.isObject() ? large : entry).path("size").asLong(-1);
    Optional<String> sha256 =
        large.isObject() ? Optional.of(large.path("oid").asString("")) : Optional.empty();
    String gitId = entry.path("oid").asString("");
    Optional<String> xet =
        Optional.of(entry.path("xetHash").asString("")).filter(sum -> HubFile.isSha256(sum));
    HubFile file = new HubFile(path, size, gitId, sha256, xet);
    if (!file.described()) {
      throw strange(question, "the file " + path + " without a size or a checksum");
    }
    return file;
  }

  private RunException strange(HubQuestion question, String found) {
    return new RunException(
        "%s gave for %s %s, so nothing of it is used. HF_ENDPOINT may be the address of something else than a hub."
            .formatted(HubErrors.place(question.url()), question.words(), settings.shown(found)));
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }
}
