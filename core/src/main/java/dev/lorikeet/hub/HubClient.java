package dev.lorikeet.hub;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.LorikeetException;
import dev.lorikeet.error.RunException;
import dev.lorikeet.hub.FileChoice.Chosen;
import dev.lorikeet.hub.HubCache.Finding;
import dev.lorikeet.hub.HubSettings.Network;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Gets models and data sets from a hub into the cache, whole or not at all: a file has its name
 * only when its bytes are on the disk and have the checksum that the hub announced, and a revision
 * is noted only when all its files have.
 */
public final class HubClient {
  /** The tag by which backup programs know a cache, see https://bford.info/cachedir/. */
  private static final String CACHE_TAG =
      """
      Signature: 8a477f597d28d172789f06886806bc55
      # This file is a cache directory tag created by Lorikeet.
      # For information about cache directory tags, see:
      # https://bford.info/cachedir/
      """;

  private final HubSettings settings;
  private final HubCache cache;
  private final Pause pause;
  private final Clock clock;

  /** A client that really waits. */
  public HubClient(HubSettings settings) {
    this(settings, Pause.real(), Clock.systemUTC());
  }

  /**
   * A client with a time of its own.
   *
   * @param pause waits between attempts
   * @param clock tells how long a date of the hub's is away
   */
  public HubClient(HubSettings settings, Pause pause, Clock clock) {
    this.settings = settings;
    this.pause = pause;
    this.clock = clock;
    cache = new HubCache(settings.cache());
  }

  /** The cache that files go to. */
  public HubCache cache() {
    return cache;
  }

  /**
   * The model from the cache if it is whole there, without asking the hub whether the revision
   * means something else by now; otherwise downloaded.
   *
   * @throws LorikeetException if it is neither in the cache nor can be had
   */
  public Snapshot require(RepoReference reference, HubListener listener) {
    Optional<Snapshot> there = cache.find(reference);
    return there.isPresent()
        ? there.get()
        : download(reference, FileChoice.usual(), listener).snapshot();
  }

  /**
   * The files of a data set, from the cache if they are there, without asking the hub whether the
   * revision means something else by now; otherwise downloaded.
   *
   * @param choice which files
   * @throws LorikeetException if they are neither in the cache nor can be had
   */
  public DataSnapshot requireData(
      RepoReference reference, FileChoice choice, HubListener listener) {
    Optional<DataSnapshot> there = cache.data(reference, choice);
    return there.isPresent()
        ? there.get()
        : cache
            .data(download(reference, choice, listener).snapshot().pinned(), choice)
            .orElseThrow(() -> new IllegalStateException(reference + " went from the cache"));
  }

  /**
   * Downloads what the cache lacks of a repository at what its revision means now.
   *
   * @throws ConfigException if the hub has or shows no such repository, or the network is not
   *     allowed
   * @throws RunException if the hub cannot be reached, serves wrong bytes, or the disk is full
   */
  public Downloaded download(RepoReference reference, FileChoice choice, HubListener listener) {
    if (settings.network() == Network.OFFLINE) {
      return offline(reference, choice);
    }
    HubListener ordered = new OrderedListener(listener);
    try (HubHttp http = new HubHttp(settings, pause, clock)) {
      return new Job(http, reference, choice, ordered).run();
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      throw new RunException(
          "The download of " + reference + " was stopped; what came so far is kept.", stopped);
    } catch (IOException failure) {
      throw new RunException(diskProblem(reference, failure), failure);
    }
  }

  private String diskProblem(RepoReference reference, IOException failure) {
    String free = "";
    try {
      free = " " + megabytes(Files.getFileStore(existing()).getUsableSpace()) + " are free there.";
    } catch (IOException unknown) {
      free = "";
    }
    return "Could not write %s into the cache in %s: %s.%s Free space or set HF_HUB_CACHE to another folder, then run again: what came so far is kept."
        .formatted(reference, settings.cache(), failure.getMessage(), free);
  }

  private Downloaded offline(RepoReference reference, FileChoice choice) {
    Finding finding = cache.lookUp(reference);
    if (finding.snapshot().isEmpty()) {
      throw new ConfigException(
          "%s is not in the cache in %s, and the network is switched off (--offline or HF_HUB_OFFLINE); run lorikeet download %s with the network first"
              .formatted(reference, settings.cache(), reference));
    }
    Snapshot snapshot = finding.snapshot().get();
    RepoFolder folder = cache.folder(reference.repo());
    Optional<List<HubFile>> tree = TreeFile.read(folder.tree(snapshot.commit()));
    List<HubFile> wanted =
        tree.map(files -> choice.of(reference.repo(), files).files()).orElse(List.of());
    List<String> missing =
        tree.isPresent()
            ? wanted.stream()
                .filter(file -> !folder.has(snapshot.commit(), file))
                .map(HubFile::path)
                .toList()
            : finding.missing();
    if (!missing.isEmpty()) {
      throw new ConfigException(
          "%s is only in part in the cache in %s (%s missing), and the network is switched off (--offline or HF_HUB_OFFLINE); run lorikeet download %s with the network first"
              .formatted(reference, settings.cache(), String.join(", ", missing), reference));
    }
    return new Downloaded(snapshot, wanted.size(), 0, 0, List.of(), 0);
  }

  /** The nearest folder at or above the cache that is there. */
  private Path existing() {
    Path there = settings.cache().toAbsolutePath();
    while (!Files.isDirectory(there) && there.getParent() != null) {
      there = there.getParent();
    }
    return there;
  }

  private static String megabytes(long bytes) {
    return String.format(Locale.ROOT, "%,.1f MB", bytes / 1e6);
  }

  /** One download. */
  private final class Job {
    private final HubHttp http;
    private final RepoReference reference;
    private final FileChoice choice;
    private final HubListener listener;
    private final RepoFolder folder;

    Job(HubHttp http, RepoReference reference, FileChoice choice, HubListener listener) {
      this.http = http;
      this.reference = reference;
      this.choice = choice;
      this.listener = listener;
      folder = cache.folder(reference.repo());
    }

    Downloaded run() throws IOException, InterruptedException {
      HubApi api = new HubApi(settings, http, listener);
      String commit = reference.pinned() ? reference.revision() : api.commit(reference);
      RepoReference pinned = reference.at(commit);
      Optional<List<HubFile>> kept = TreeFile.read(folder.tree(commit));
      List<HubFile> all = kept.isPresent() ? kept.get() : api.files(pinned);
      Chosen chosen = choice.of(reference.repo(), all);
      List<HubFile> missing =
          chosen.files().stream().filter(file -> !folder.has(commit, file)).toList();
      long bytes = fetch(api, pinned, missing, kept.isPresent() ? List.of() : all);
      folder.note(reference.revision(), commit);
      return new Downloaded(
          new Snapshot(reference, commit, folder.snapshot(commit)),
          chosen.files().size(),
          missing.size(),
          bytes,
          chosen.skipped().stream().map(HubFile::path).toList(),
          chosen.skipped().stream().mapToLong(HubFile::size).sum());
    }

    /** Bytes that were not on the disk. */
    private long fetch(
        HubApi api, RepoReference pinned, List<HubFile> missing, List<HubFile> newTree)
        throws IOException, InterruptedException {
      if (missing.isEmpty() && newTree.isEmpty()) {
        // The cache may be one that only others write to.
        return 0;
      }
      Files.createDirectories(folder.blobs());
      Files.createDirectories(folder.snapshot(pinned.revision()));
      tag();
      if (!newTree.isEmpty()) {
        TreeFile.write(folder.tree(pinned.revision()), newTree);
      }
      Map<String, List<HubFile>> byContent = new LinkedHashMap<>();
      for (HubFile file : missing) {
        byContent.computeIfAbsent(file.etag(), _ -> new ArrayList<>()).add(file);
      }
      List<BlobTask> tasks = new ArrayList<>();
      DownloadProgress progress = new DownloadProgress(listener);
      for (List<HubFile> files : byContent.values()) {
        tasks.add(
            new BlobTask(
                new BlobTask.Place(settings, folder, pause),
                http,
                api.content(pinned, files.getFirst()),
                files,
                listener,
                progress));
      }
      long bytes = progress.plan(tasks, missing.size());
      requireSpace(bytes);
      ParallelTasks.run(tasks, settings.parallelFiles());
      return bytes;
    }

    private void requireSpace(long bytes) throws IOException {
      long free = Files.getFileStore(existing()).getUsableSpace();
      if (bytes > free) {
        throw new RunException(
            "%s needs %s more, and %s are free in %s. Free space, or set HF_HUB_CACHE to a folder on a larger disk."
                .formatted(reference, megabytes(bytes), megabytes(free), settings.cache()));
      }
    }

    private void tag() throws IOException {
      try {
        Files.writeString(
            settings.cache().resolve("CACHEDIR.TAG"),
            CACHE_TAG,
            StandardCharsets.UTF_8,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE);
      } catch (FileAlreadyExistsException there) {
        return;
      }
    }
  }
}
