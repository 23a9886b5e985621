package dev.lorikeet.hub;

import java.util.List;

/** Adds up what all files of a download have. */
final class DownloadProgress {
  private final HubListener listener;
  private long planned;
  private long done;

  DownloadProgress(HubListener listener) {
    this.listener = listener;
  }

  /** Bytes that the tasks still have to fetch; tells the listener. */
  synchronized long plan(List<BlobTask> tasks, int files) {
    planned = tasks.stream().mapToLong(BlobTask::bytesToCome).sum();
    listener.planned(files, planned);
    return planned;
  }

  /** A task has some bytes more, or fewer than before. */
  synchronized void changed(long difference) {
    done += difference;
    listener.advanced(Math.clamp(done, 0, planned), planned);
  }
}
