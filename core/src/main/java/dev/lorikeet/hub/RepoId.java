package dev.lorikeet.hub;

import dev.lorikeet.error.ConfigException;
import java.util.regex.Pattern;

/**
 * Name of a repository: {@code OWNER/NAME}, or {@code NAME} alone as the oldest ones have it.
 *
 * @param text letters, digits, {@code -}, {@code _} and {@code .}; no {@code --}, no {@code ..}
 */
public record RepoId(String text) {
  private static final Pattern FORM =
      Pattern.compile("(?:[A-Za-z0-9_][\\w.-]{0,95}/)?[A-Za-z0-9_](?:[\\w.-]{0,94}[A-Za-z0-9_])?");

  private static final String PREFIX = "models--";

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

  /** Whether {@code text} can be the name of a repository. */
  static boolean valid(String text) {
    return FORM.matcher(text).matches()
        && !text.contains("--")
        && !text.contains("..")
        && !text.endsWith(".git");
  }

  /** Name of the repository's folder in the cache. */
  String folderName() {
    return PREFIX + text.replace("/", "--");
  }

  /** Whether {@code folder} is named as a repository of models is. */
  static boolean isFolderName(String folder) {
    return folder.startsWith(PREFIX)
        && valid(folder.substring(PREFIX.length()).replaceFirst("--", "/"));
  }

  /** The repository whose folder in the cache is called {@code folder}. */
  static RepoId ofFolderName(String folder) {
    return new RepoId(folder.substring(PREFIX.length()).replaceFirst("--", "/"));
  }

  @Override
  public String toString() {
    return text;
  }
}
