package dev.lorikeet.hub;

import java.util.List;

/**
 * What a download did.
 *
 * @param snapshot where the files are
 * @param files number of files that were wanted
 * @param fetchedFiles how many of them were not in the cache
 * @param fetchedBytes their bytes, those of files with the same content once
 * @param skipped paths of the files that were not wanted
 * @param skippedBytes their bytes
 */
public record Downloaded(
    Snapshot snapshot,
    int files,
    int fetchedFiles,
    long fetchedBytes,
    List<String> skipped,
    long skippedBytes) {

  public Downloaded {
    skipped = List.copyOf(skipped);
  }
}
