package dev.lorikeet.hub;

import dev.lorikeet.error.ConfigException;
import java.util.regex.Pattern;

/**
 * A repository at a revision, written {@code OWNER/NAME} or {@code OWNER/NAME@REVISION}, with
 * {@code datasets/} in front for a data set.
 *
 * @param revision a branch, a tag or a commit
 */
public record RepoReference(RepoId repo, String revision) {
  /** The branch that counts where none is named. */
  public static final String MAIN = "main";

  private static final Pattern REVISION = Pattern.compile("[A-Za-z0-9_][\\w.+/-]{0,254}");
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

  /**
   * Checks the revision, which becomes part of paths and addresses.
   *
   * @throws ConfigException if git could not have a branch or tag of that name
   */
  public RepoReference {
    if (!REVISION.matcher(revision).matches()
        || revision.contains("..")
        || revision.contains("//")
        || revision.contains("/.")
        || revision.endsWith("/")) {
      throw new ConfigException(
          "'%s' is not a revision; expected a branch, a tag or a commit such as main, v1.0 or refs/pr/1"
              .formatted(revision));
    }
  }

  /**
   * Reads {@code OWNER/NAME} or {@code OWNER/NAME@REVISION}.
   *
   * @throws ConfigException if it is neither
   */
  public static RepoReference parse(String text) {
    int at = text.indexOf('@');
    return at < 0
        ? new RepoReference(RepoId.parse(text), MAIN)
        : new RepoReference(RepoId.parse(text.substring(0, at)), text.substring(at + 1));
  }

  /** Whether {@code text} has the form of a reference to a model, whatever the hub has. */
  public static boolean looksLikeOne(String text) {
    int at = text.indexOf('@');
    return RepoId.valid(at < 0 ? text : text.substring(0, at));
  }

  /** The same repository at {@code commit}. */
  RepoReference at(String commit) {
    return new RepoReference(repo, commit);
  }

  /** Whether the revision is a whole commit, which never means anything else. */
  public boolean pinned() {
    return isCommit(revision);
  }

  /** Whether {@code text} is the 40 hexadecimal digits of a commit. */
  static boolean isCommit(String text) {
    return COMMIT.matcher(text).matches();
  }

  /** As {@link #parse} reads it. */
  @Override
  public String toString() {
    return revision.equals(MAIN) ? repo.path() : repo.path() + "@" + revision;
  }
}
