package dev.lorikeet.hub;

import dev.lorikeet.error.ConfigException;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Name of a repository: {@code OWNER/NAME}, or {@code NAME} alone as the oldest ones have it. A
 * data set's is written {@code datasets/OWNER/NAME} where a model could be meant.
 *
 * @param kind what it holds
 * @param text letters, digits, {@code -}, {@code _} and {@code .}; no {@code --}, no {@code ..}
 */
public record RepoId(RepoKind kind, String text) {
  private static final Pattern FORM =
      Pattern.compile("(?:[A-Za-z0-9_][\\w.-]{0,95}/)?[A-Za-z0-9_](?:[\\w.-]{0,94}[A-Za-z0-9_])?");

  /**
   * Checks the name, which becomes part of paths and addresses.
   *
   * @throws ConfigException if it cannot be the name of a repository
   */
  public RepoId {
    if (!valid(text)) {
      throw new ConfigException(
          "'%s' is not the name of a repository; expected OWNER/NAME as in HuggingFaceTB/SmolLM2-135M: letters, digits, '-', '_' and '.', without '--' and '..'"
              .formatted(text));
    }
  }

  /** A repository of a model. */
  public static RepoId model(String text) {
    return new RepoId(RepoKind.MODEL, text);
  }

  /** A repository of a data set. */
  public static RepoId dataset(String text) {
    return new RepoId(RepoKind.DATASET, text);
  }

  /** Reads what {@link #path} writes. */
  static RepoId parse(String path) {
    String prefix = RepoKind.DATASET.prefix();
    return path.startsWith(prefix) ? dataset(path.substring(prefix.length())) : model(path);
  }

  /** The name, behind {@code datasets/} for a data set. */
  public String path() {
    return kind.prefix() + text;
  }

  /** Whether {@code text} can be the name of a repository. */
  static boolean valid(String text) {
    return FORM.matcher(text).matches()
        && !text.contains("--")
        && !text.contains("..")
        && !text.endsWith(".git");
  }

  /** Name of the repository's folder in the cache. */
  String folderName() {
    return folderPrefix(kind) + text.replace("/", "--");
  }

  /** The repository whose folder in the cache is called {@code folder}; empty if none is. */
  static Optional<RepoId> ofFolderName(String folder) {
    for (RepoKind kind : RepoKind.values()) {
      String prefix = folderPrefix(kind);
      if (folder.startsWith(prefix)) {
        String text = folder.substring(prefix.length()).replaceFirst("--", "/");
        return valid(text) ? Optional.of(new RepoId(kind, text)) : Optional.empty();
      }
    }
    return Optional.empty();
  }

  private static String folderPrefix(RepoKind kind) {
    return kind.plural() + "--";
  }

  @Override
  public String toString() {
    return path();
  }
}
