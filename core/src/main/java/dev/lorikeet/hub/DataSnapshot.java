package dev.lorikeet.hub;

import java.nio.file.Path;
import java.util.List;

/**
 * Files of a data set in the cache.
 *
 * @param files those that were wanted, by name; at least one
 */
public record DataSnapshot(Snapshot snapshot, List<Path> files) {
  public DataSnapshot {
    files = List.copyOf(files);
  }
}
