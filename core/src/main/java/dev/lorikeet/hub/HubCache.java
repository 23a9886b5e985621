package dev.lorikeet.hub;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.error.RunException;
import dev.lorikeet.hub.CachedRepo.CachedFile;
import dev.lorikeet.hub.CachedRepo.CachedSnapshot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * The models and data sets on the disk, in the layout that Python's {@code huggingface_hub} has,
 * too.
 */
public final class HubCache {
  private static final System.Logger LOG = System.getLogger(HubCache.class.getName());
  private static final String CONFIG = "config.json";

  private final Path root;

  /** The cache in {@code root}, which need not exist. */
  public HubCache(Path root) {
    this.root = root;
  }

  /** The cache's folder. */
  public Path root() {
    return root;
  }

  RepoFolder folder(RepoId repo) {
    return RepoFolder.of(root, repo);
  }

  /**
   * The model if all its files are there, without asking the hub. Where the list of its files was
   * kept, that decides; otherwise its configuration and the weights that it names have to be there.
   */
  public Optional<Snapshot> find(RepoReference reference) {
    return lookUp(reference).whole();
  }

  /**
   * Which files of a model are not in the cache although it needs them, as far as that is known.
   *
   * @return paths; empty if and only if the model is whole
   */
  public List<String> missing(RepoReference reference) {
    Finding finding = lookUp(reference);
    return finding.snapshot().isEmpty() ? List.of(CONFIG) : finding.missing();
  }

  /**
   * The chosen files of a data set, if all of them are there. Where the list of its files was not
   * kept, because another tool got it, what is there is taken for all there is.
   *
   * @throws ConfigException if nothing fits the choice, or the user has to choose
   */
  Optional<DataSnapshot> data(RepoReference reference, FileChoice choice) {
    Optional<Snapshot> snapshot = lookUp(reference).snapshot();
    if (snapshot.isEmpty()) {
      return Optional.empty();
    }
    Path folder = snapshot.get().folder();
    RepoFolder repo = folder(reference.repo());
    List<HubFile> all =
        TreeFile.read(repo.tree(snapshot.get().commit())).orElseGet(() -> onDisk(folder));
    List<HubFile> files = choice.of(reference.repo(), all).files();
    boolean whole = files.stream().allMatch(file -> repo.has(snapshot.get().commit(), file));
    return whole
        ? Optional.of(
            new DataSnapshot(
                snapshot.get(),
                files.stream().map(HubFile::path).sorted().map(folder::resolve).toList()))
        : Optional.empty();
  }

  private static List<HubFile> onDisk(Path folder) {
    List<HubFile> files = new ArrayList<>();
    for (Path file : below(folder)) {
      Content.of(file)
          .ifPresent(content ->
              files.add(
                  new HubFile(
                      named(folder, file),
                      content.bytes(),
                      "",
                      Optional.empty(),
                      Optional.empty())));
    }
    return files;
  }

  /** What the cache has of a repository. */
  Finding lookUp(RepoReference reference) {
    RepoFolder folder = folder(reference.repo());
    Optional<String> commit = folder.commit(reference.revision());
    if (commit.isEmpty() || !Files.isDirectory(folder.snapshot(commit.get()))) {
      return new Finding(Optional.empty(), List.of());
    }
    Snapshot snapshot = new Snapshot(reference, commit.get(), folder.snapshot(commit.get()));
    return new Finding(Optional.of(snapshot), missing(folder, snapshot));
  }

  /**
   * A snapshot and what it lacks.
   *
   * @param missing paths of files
   */
  record Finding(Optional<Snapshot> snapshot, List<String> missing) {
    Optional<Snapshot> whole() {
      return missing.isEmpty() ? snapshot : Optional.empty();
    }
  }

  private static List<String> missing(RepoFolder folder, Snapshot snapshot) {
    Optional<List<HubFile>> tree = TreeFile.read(folder.tree(snapshot.commit()));
    if (tree.isPresent()) {
      RepoId repo = snapshot.reference().repo();
      return FileChoice.needed(repo, tree.get()).stream()
          .filter(file -> !folder.has(snapshot.commit(), file))
          .map(HubFile::path)
          .toList();
    }
    if (snapshot.reference().repo().kind() == RepoKind.DATASET) {
      // What of it is wanted only its user can tell.
      return List.of();
    }
    List<String> needed = new ArrayList<>(List.of(CONFIG));
    needed.addAll(SafetensorsNames.needed(snapshot.folder()));
    return needed.stream()
        .filter(name -> !Files.isRegularFile(snapshot.folder().resolve(name)))
        .toList();
  }

  /**
   * Every repository, by name.
   *
   * @throws RunException if the folder cannot be read
   */
  public List<CachedRepo> list() {
    List<CachedRepo> repos = new ArrayList<>();
    for (Path folder : entries(root)) {
      String name = String.valueOf(folder.getFileName());
      if (Files.isDirectory(folder)) {
        RepoId.ofFolderName(name).ifPresent(id -> repos.add(repo(id)));
      }
    }
    repos.sort(Comparator.comparing(repo -> repo.repo().path()));
    return repos;
  }

  /**
   * A repository.
   *
   * @throws ConfigException if the cache does not have it
   */
  public CachedRepo inspect(RepoId repo) {
    if (!Files.isDirectory(folder(repo).path())) {
      throw new ConfigException(
          "the cache in %s has no %s; lorikeet models list shows what it has, lorikeet download %s gets it"
              .formatted(root, repo, repo));
    }
    return repo(repo);
  }

  private CachedRepo repo(RepoId id) {
    RepoFolder folder = folder(id);
    Map<String, List<String>> refs = refs(folder);
    List<CachedSnapshot> snapshots = new ArrayList<>();
    Map<Path, Long> contents = new HashMap<>();
    Instant changed = Instant.EPOCH;
    for (Path path : entries(folder.snapshots())) {
      String commit = String.valueOf(path.getFileName());
      if (!RepoReference.isCommit(commit)) {
        continue;
      }
      List<CachedFile> files = new ArrayList<>();
      for (Path file : below(path)) {
        Optional<Content> content = Content.of(file);
        if (content.isPresent()) {
          files.add(new CachedFile(named(path, file), content.get().bytes()));
          contents.put(content.get().file(), content.get().bytes());
          Instant time = content.get().changed();
          changed = time.isAfter(changed) ? time : changed;
        }
      }
      files.sort(Comparator.comparing(CachedFile::path));
      snapshots.add(new CachedSnapshot(commit, path, refs.getOrDefault(commit, List.of()), files));
    }
    for (Path blob : entries(folder.blobs())) {
      Content.of(blob).ifPresent(content -> contents.put(content.file(), content.bytes()));
    }
    long bytes = contents.values().stream().mapToLong(Long::longValue).sum();
    snapshots.sort(Comparator.comparing(CachedSnapshot::commit));
    return new CachedRepo(id, folder.path(), bytes, changed, snapshots);
  }

  /** The file that a path is or leads to. */
  private record Content(Path file, long bytes, Instant changed) {
    /** Empty for a link that leads nowhere. */
    static Optional<Content> of(Path path) {
      try {
        Path real = path.toRealPath();
        return Files.isRegularFile(real)
            ? Optional.of(
                new Content(real, Files.size(real), Files.getLastModifiedTime(real).toInstant()))
            : Optional.empty();
      } catch (IOException nowhere) {
        return Optional.empty();
      }
    }
  }

  /** Branches and tags by the commit that they meant. */
  private static Map<String, List<String>> refs(RepoFolder folder) {
    Map<String, List<String>> refs = new TreeMap<>();
    for (Path ref : below(folder.refs())) {
      String name = named(folder.refs(), ref);
      if (!String.valueOf(ref.getFileName()).startsWith(".")) {
        folder
            .commit(name)
            .ifPresent(commit -> refs.computeIfAbsent(commit, _ -> new ArrayList<>()).add(name));
      }
    }
    refs.values().forEach(names -> names.sort(Comparator.naturalOrder()));
    return refs;
  }

  /**
   * Computes the checksums of a snapshot's files again.
   *
   * @return paths of those whose bytes are not what the hub announced
   * @throws ConfigException if the list of its files is not in the cache
   */
  public List<String> damaged(RepoReference reference) {
    RepoFolder folder = folder(reference.repo());
    Optional<String> commit = folder.commit(reference.revision());
    Optional<List<HubFile>> tree = commit.flatMap(c -> TreeFile.read(folder.tree(c)));
    if (commit.isEmpty() || tree.isEmpty()) {
      throw new ConfigException(
          "the cache holds no list of the files of %s with their checksums; lorikeet download %s gets it"
              .formatted(reference, reference.repo()));
    }
    List<String> damaged = new ArrayList<>();
    for (HubFile file : tree.get()) {
      Path path = folder.snapshot(commit.get()).resolve(file.path());
      if (Files.isRegularFile(path) && !sumFits(path, file)) {
        damaged.add(file.path());
      }
    }
    return damaged;
  }

  private static boolean sumFits(Path path, HubFile file) {
    try {
      ContentHash hash = file.hash();
      hash.addAll(path);
      return hash.hex().equals(file.etag());
    } catch (IOException unreadable) {
      throw new FormatException(path, "cannot be read", unreadable);
    }
  }

  /**
   * Removes a repository with all its snapshots.
   *
   * @return bytes that are free again
   * @throws ConfigException if it is not there, or being downloaded
   */
  public long remove(RepoId repo) {
    CachedRepo cached = inspect(repo);
    RepoFolder folder = folder(repo);
    withLocks(
        folder,
        repo,
        () -> {
          // Names go before contents, so that what is left after a failure is found by nobody.
          for (Path part : List.of(folder.refs(), folder.snapshots(), folder.path())) {
            deleteTree(part);
          }
        });
    return cached.bytes();
  }

  /**
   * Removes one snapshot and the blobs that no other one needs.
   *
   * @return bytes that are free again
   * @throws ConfigException if it is not there, or the repository is being downloaded
   */
  public long remove(RepoReference reference) {
    CachedRepo cached = inspect(reference.repo());
    RepoFolder folder = folder(reference.repo());
    String commit = folder.commit(reference.revision()).orElse("");
    CachedSnapshot snapshot =
        cached.snapshots().stream()
            .filter(each -> each.commit().equals(commit))
            .findFirst()
            .orElseThrow(() ->
                new ConfigException(
                    "the cache in %s has %s, but not at revision '%s'; it has %s"
                        .formatted(
                            root,
                            reference.repo(),
                            reference.revision(),
                            cached.snapshots().stream().map(CachedSnapshot::commit).toList())));
    if (cached.snapshots().size() == 1) {
      return remove(reference.repo());
    }
    withLocks(
        folder,
        reference.repo(),
        () -> {
          for (String ref : snapshot.refs()) {
            Files.deleteIfExists(folder.refs().resolve(ref));
          }
          Set<Path> mine = blobs(snapshot);
          deleteTree(snapshot.folder());
          Files.deleteIfExists(folder.tree(commit));
          for (CachedSnapshot other : repo(reference.repo()).snapshots()) {
            mine.removeAll(blobs(other));
          }
          for (Path blob : mine) {
            Files.deleteIfExists(blob);
          }
        });
    return cached.bytes() - repo(reference.repo()).bytes();
  }

  /** The blobs that the links of a snapshot lead to. */
  private static Set<Path> blobs(CachedSnapshot snapshot) throws IOException {
    Set<Path> blobs = new HashSet<>();
    for (Path file : below(snapshot.folder())) {
      if (Files.isSymbolicLink(file)) {
        blobs.add(file.resolveSibling(Files.readSymbolicLink(file)).normalize());
      }
    }
    return blobs;
  }

  @FunctionalInterface
  private interface Removal {
    void run() throws IOException;
  }

  /** Removes while no other process downloads into the repository. */
  private static void withLocks(RepoFolder folder, RepoId repo, Removal removal) {
    List<BlobLock> held = new ArrayList<>();
    try {
      for (Path lock : entries(folder.locks())) {
        held.add(
            BlobLock.tryTake(lock)
                .orElseThrow(() ->
                    new ConfigException(
                        repo + " is being downloaded by another process; wait for its end")));
      }
      removal.run();
    } catch (IOException failure) {
      throw new RunException(
          "Could not remove all of %s in %s: %s. Remove the folder by hand."
              .formatted(repo, folder.path(), failure),
          failure);
    } finally {
      for (BlobLock lock : held) {
        try {
          lock.close();
        } catch (IOException remains) {
          // The end of the process gives it back.
          LOG.log(Level.DEBUG, "lock=held repository=" + repo + " cause=" + remains);
        }
      }
    }
  }

  private static void deleteTree(Path folder) throws IOException {
    if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    List<Path> all;
    try (Stream<Path> walk = Files.walk(folder)) {
      all = walk.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : all) {
      Files.deleteIfExists(path);
    }
  }

  private static List<Path> entries(Path folder) {
    try (Stream<Path> list = Files.list(folder)) {
      return list.sorted().toList();
    } catch (NoSuchFileException absent) {
      return List.of();
    } catch (IOException failure) {
      throw new RunException("Could not read the cache in " + folder + ": " + failure, failure);
    }
  }

  /** All files and links below a folder. */
  private static List<Path> below(Path folder) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> walk = Files.walk(folder, new FileVisitOption[0])) {
      return walk.filter(path -> !Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)).toList();
    } catch (IOException | UncheckedIOException failure) {
      throw new RunException("Could not read the cache in " + folder + ": " + failure, failure);
    }
  }

  private static String named(Path folder, Path file) {
    return folder.relativize(file).toString().replace('\\', '/');
  }
}
