package dev.lorikeet.hub;

import dev.lorikeet.error.ConfigException;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Which hub is asked, where its files are kept, and how.
 *
 * @param endpoint address of the hub without a slash at its end
 * @param cache folder of the cache
 * @param token who asks; never part of {@link #toString}
 * @param network whether the hub may be asked
 * @param links how the cache avoids to hold a file twice
 * @param parallelFiles files that are downloaded at a time, 1 to 64
 * @param patience how long the hub is waited for
 */
public record HubSettings(
    URI endpoint,
    Path cache,
    Optional<AccessToken> token,
    Network network,
    Links links,
    int parallelFiles,
    Patience patience) {

  /** Whether the hub may be asked. */
  public enum Network {
    ONLINE,
    /** The cache alone. */
    OFFLINE
  }

  /** How a file of a snapshot gets its content. */
  public enum Links {
    /** A symbolic link to the blob where the file system has such; otherwise as below. */
    SYMBOLIC,
    /** The file itself. */
    COPIES
  }

  /** Files at a time where nothing is said. */
  public static final int USUAL_PARALLEL_FILES = 4;

  private static final int MOST_PARALLEL_FILES = 64;
  private static final String PUBLIC_HUB = "https://huggingface.co";
  private static final Set<String> TRUE = Set.of("1", "ON", "YES", "TRUE");

  public HubSettings {
    if (parallelFiles < 1 || parallelFiles > MOST_PARALLEL_FILES) {
      throw new ConfigException(
          "files at a time must be from 1 to %d, found %d"
              .formatted(MOST_PARALLEL_FILES, parallelFiles));
    }
  }

  /**
   * What the variables of Hugging Face's tools say: {@code HF_ENDPOINT}, {@code HF_HOME}, {@code
   * HF_HUB_CACHE}, {@code HF_TOKEN}, {@code HF_TOKEN_PATH}, {@code HF_HUB_OFFLINE} and a few older
   * ones.
   *
   * @throws ConfigException if one of them cannot be used
   */
  public static HubSettings of(Map<String, String> environment) {
    Variables variables = new Variables(environment);
    Path home =
        variables
            .path("HF_HOME")
            .orElseGet(() ->
                variables
                    .path("XDG_CACHE_HOME")
                    .orElseGet(() -> variables.userHome().resolve(".cache"))
                    .resolve("huggingface"));
    Path cache =
        variables
            .path("HF_HUB_CACHE")
            .or(() -> variables.path("HUGGINGFACE_HUB_CACHE"))
            .orElseGet(() -> home.resolve("hub"));
    boolean offline =
        variables.is("HF_HUB_OFFLINE")
            || (variables.text("HF_HUB_OFFLINE").isEmpty() && variables.is("TRANSFORMERS_OFFLINE"));
    return new HubSettings(
        endpoint(variables.text("HF_ENDPOINT").orElse(PUBLIC_HUB)),
        cache.toAbsolutePath().normalize(),
        variables.token(home),
        offline ? Network.OFFLINE : Network.ONLINE,
        variables.is("HF_HUB_DISABLE_SYMLINKS") ? Links.COPIES : Links.SYMBOLIC,
        USUAL_PARALLEL_FILES,
        Patience.usual());
  }

  private static URI endpoint(String text) {
    String expected =
        "; expected an address such as https://huggingface.co, with neither user nor query";
    try {
      URI address = new URI(text.replaceAll("/+$", ""));
      boolean http = "https".equals(address.getScheme()) || "http".equals(address.getScheme());
      if (http
          && address.getHost() != null
          && address.getRawUserInfo() == null
          && address.getRawQuery() == null
          && address.getRawFragment() == null) {
        return address;
      }
    } catch (URISyntaxException wrong) {
      throw new ConfigException("HF_ENDPOINT is not an address" + expected);
    }
    // The value may hold a password, so it is not shown.
    throw new ConfigException("HF_ENDPOINT cannot be used" + expected);
  }

  /** The same without the network. */
  public HubSettings offline() {
    return new HubSettings(endpoint, cache, token, Network.OFFLINE, links, parallelFiles, patience);
  }

  /** The same with {@code files} at a time. */
  public HubSettings parallel(int files) {
    return new HubSettings(endpoint, cache, token, network, links, files, patience);
  }

  /** The same with another patience. */
  public HubSettings waiting(Patience other) {
    return new HubSettings(endpoint, cache, token, network, links, parallelFiles, other);
  }

  /** {@code text} from a server, without the token and on one line, as messages may show it. */
  String shown(String text) {
    String scrubbed = token.isPresent() ? token.get().scrub(text) : text;
    String line = scrubbed.replaceAll("[\\p{Cntrl}\\p{Cf}\\s]+", " ").strip();
    return line.length() <= 200 ? line : line.substring(0, 197) + "...";
  }

  /** The variables of a process, the empty ones as if they were not there. */
  private record Variables(Map<String, String> environment) {

    Optional<String> text(String name) {
      return Optional.ofNullable(environment.get(name))
          .map(String::strip)
          .filter(v -> !v.isEmpty());
    }

    boolean is(String name) {
      return text(name).map(v -> TRUE.contains(v.toUpperCase(Locale.ROOT))).orElse(false);
    }

    Optional<Path> path(String name) {
      return text(name).map(this::expanded);
    }

    Path userHome() {
      return Path.of(text("HOME").orElseGet(() -> System.getProperty("user.home")));
    }

    private Path expanded(String text) {
      return text.equals("~") || text.startsWith("~/")
          ? userHome().resolve(text.substring(Math.min(2, text.length())))
          : Path.of(text);
    }

    Optional<AccessToken> token(Path home) {
      if (is("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
        return Optional.empty();
      }
      for (String name : new String[] {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}) {
        Optional<String> value = text(name);
        if (value.isPresent()) {
          return Optional.of(new AccessToken(value.get(), name));
        }
      }
      return fromFile(path("HF_TOKEN_PATH").orElseGet(() -> home.resolve("token")));
    }

    private static Optional<AccessToken> fromFile(Path file) {
      try {
        String text = Files.readString(file);
        return text.isBlank()
            ? Optional.empty()
            : Optional.of(new AccessToken(text, file.toString()));
      } catch (NoSuchFileException absent) {
        return Optional.empty();
      } catch (IOException unreadable) {
        throw new ConfigException(
            "the access token in %s cannot be read; correct the file's permissions, or set HF_TOKEN"
                .formatted(file));
      }
    }
  }
}
