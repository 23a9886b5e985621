package dev.lorikeet.hub;

import java.nio.file.Path;

/**
 * A repository in the cache, whole as far as its files were wanted.
 *
 * @param reference as it was asked for
 * @param commit that it is
 * @param folder with its files under their own names
 */
public record Snapshot(RepoReference reference, String commit, Path folder) {

  /** The same repository at the commit. */
  RepoReference pinned() {
    return reference.at(commit);
  }
}
