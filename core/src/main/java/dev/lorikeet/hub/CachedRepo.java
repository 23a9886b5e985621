package dev.lorikeet.hub;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

/**
 * A repository in the cache.
 *
 * @param folder of the repository, with its blobs
 * @param bytes on the disk, each blob once
 * @param changed when a file of it was last added
 * @param snapshots by commit
 */
public record CachedRepo(
    RepoId repo, Path folder, long bytes, Instant changed, List<CachedSnapshot> snapshots) {

  /**
   * A commit in the cache, whole or not.
   *
   * @param folder with the files under their own names
   * @param refs branches and tags that meant the commit when they were last asked for
   * @param files in the order of their paths
   */
  public record CachedSnapshot(
      String commit, Path folder, List<String> refs, List<CachedFile> files) {
    /** Bytes of all files. */
    public long bytes() {
      return files.stream().mapToLong(CachedFile::bytes).sum();
    }
  }

  /**
   * A file of a snapshot.
   *
   * @param path below the snapshot, with slashes
   * @param bytes of its content
   */
  public record CachedFile(String path, long bytes) {}
}
