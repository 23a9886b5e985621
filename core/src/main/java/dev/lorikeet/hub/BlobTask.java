package dev.lorikeet.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;

/** Gets one blob and puts it under the names of all files that have its content. */
final class BlobTask implements Callable<Void> {
  /** Where blobs go. */
  record Place(HubSettings settings, RepoFolder folder, Pause pause) {}

  private final Place place;
  private final HubHttp http;
  private final HubQuestion question;
  private final List<HubFile> files;
  private final HubListener listener;
  private final DownloadProgress progress;
  private long told;

  /**
   * A task.
   *
   * @param question for the content of the first file
   * @param files with the same content, at least one
   */
  BlobTask(
      Place place,
      HubHttp http,
      HubQuestion question,
      List<HubFile> files,
      HubListener listener,
      DownloadProgress progress) {
    this.place = place;
    this.http = http;
    this.question = question;
    this.files = List.copyOf(files);
    this.listener = listener;
    this.progress = progress;
  }

  private HubFile file() {
    return files.getFirst();
  }

  private Path blob() {
    return place.folder().blob(file());
  }

  /** Bytes that are not on the disk yet. */
  long bytesToCome() {
    if (RepoFolder.isWhole(blob(), file())) {
      told = file().size();
      return 0;
    }
    try {
      told = Math.min(Files.size(PartialBlob.file(blob())), file().size());
    } catch (IOException none) {
      told = 0;
    }
    return file().size() - told;
  }

  @Override
  public Void call() throws IOException, InterruptedException {
    try (BlobLock _ =
        BlobLock.take(
            place.folder().lock(file()),
            place.pause(),
            () ->
                listener.notice(
                    "another process downloads " + question.words() + "; waiting for it"))) {
      String commit = question.about().revision();
      if (files.stream().anyMatch(file -> !place.folder().has(commit, file))) {
        if (!RepoFolder.isWhole(blob(), file())) {
          fetch();
        }
        for (HubFile file : files) {
          boolean last = file.equals(files.getLast());
          place.folder().place(commit, file, place.settings().links(), last);
        }
      }
      tell(file().size());
    }
    return null;
  }

  private void fetch() throws IOException, InterruptedException {
    try (PartialBlob partial = PartialBlob.open(blob(), file())) {
      tell(partial.length());
      new BlobDownload(http, place.settings(), question, file(), partial, listener, this::tell)
          .run();
      partial.becomes(blob());
    }
  }

  private void tell(long length) {
    if (length != told) {
      progress.changed(length - told);
      told = length;
    }
  }
}
