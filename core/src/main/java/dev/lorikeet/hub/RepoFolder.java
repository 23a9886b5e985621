package dev.lorikeet.hub;

import dev.lorikeet.format.AtomicFile;
import dev.lorikeet.hub.HubSettings.Links;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/**
 * The folder of one repository in the cache, by the layout that {@code package-info} shows.
 *
 * @param path {@code models--OWNER--NAME}
 * @param locks folder of the locks of its blobs
 */
record RepoFolder(Path path, Path locks) {

  /** The folder of {@code repo} in {@code cache}. */
  static RepoFolder of(Path cache, RepoId repo) {
    return new RepoFolder(
        cache.resolve(repo.folderName()), cache.resolve(".locks").resolve(repo.folderName()));
  }

  Path blobs() {
    return path.resolve("blobs");
  }

  Path blob(HubFile file) {
    return blobs().resolve(file.etag());
  }

  Path lock(HubFile file) {
    return locks.resolve(file.etag() + ".lock");
  }

  Path snapshots() {
    return path.resolve("snapshots");
  }

  Path snapshot(String commit) {
    return snapshots().resolve(commit);
  }

  Path refs() {
    return path.resolve("refs");
  }

  Path tree(String commit) {
    return path.resolve("trees").resolve(commit + ".json");
  }

  /** The commit that a revision meant when it was last asked for. */
  Optional<String> commit(String revision) {
    if (RepoReference.isCommit(revision)) {
      return Optional.of(revision);
    }
    try {
      return Optional.of(Files.readString(refs().resolve(revision)).strip())
          .filter(RepoReference::isCommit);
    } catch (NoSuchFileException absent) {
      return Optional.empty();
    } catch (IOException unreadable) {
      return Optional.empty();
    }
  }

  /** Notes what a branch or tag means; nothing for a commit, or if it is noted already. */
  void note(String revision, String commit) throws IOException {
    if (revision.equals(commit) || commit(revision).equals(Optional.of(commit))) {
      return;
    }
    Path ref = refs().resolve(revision);
    Files.createDirectories(ref.resolveSibling(""));
    AtomicFile.writeString(ref, commit);
  }

  /** Whether the snapshot has the file with as many bytes as it should have. */
  boolean has(String commit, HubFile file) {
    return isWhole(snapshot(commit).resolve(file.path()), file);
  }

  /** Whether the file at {@code path}, or behind a link there, has the right size. */
  static boolean isWhole(Path path, HubFile file) {
    try {
      return Files.isRegularFile(path) && Files.size(path) == file.size();
    } catch (IOException unreadable) {
      return false;
    }
  }

  /**
   * Puts the blob of a file into a snapshot: a link to it, or where that is not possible its bytes.
   *
   * @param last whether no other file needs the blob, so that its bytes may be moved
   */
  void place(String commit, HubFile file, Links links, boolean last) throws IOException {
    Path pointer = snapshot(commit).resolve(file.path());
    Path folder = pointer.resolveSibling("");
    Files.createDirectories(folder);
    Path blob = blob(file);
    if (links == Links.SYMBOLIC && link(pointer, folder.relativize(blob))) {
      return;
    }
    if (last && !Files.isSymbolicLink(blob)) {
      Files.move(
          blob, pointer, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      return;
    }
    AtomicFile.writeChannel(
        pointer,
        to -> {
          try (var from = FileChannel.open(blob)) {
            long position = 0;
            while (position < from.size()) {
              position += from.transferTo(position, from.size() - position, to);
            }
          }
        });
  }

  /** False where the file system has no symbolic links, or the user may not make them. */
  private static boolean link(Path pointer, Path target) throws IOException {
    if (Files.isSymbolicLink(pointer) && Files.readSymbolicLink(pointer).equals(target)) {
      return true;
    }
    boolean there = Files.exists(pointer, LinkOption.NOFOLLOW_LINKS);
    try {
      if (there) {
        Files.delete(pointer);
      }
      Files.createSymbolicLink(pointer, target);
      return true;
    } catch (FileAlreadyExistsException meanwhile) {
      // Another process was faster; what it made is checked like all files in the end.
      return true;
    } catch (UnsupportedOperationException | FileSystemException none) {
      return false;
    }
  }
}
