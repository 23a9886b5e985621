package dev.lorikeet.config;

import java.nio.file.Path;

/**
 * Where a run is stored.
 *
 * @param dir folder that holds the run directories and their index
 */
public record OutputSettings(@Default("runs") Path dir) {
  public OutputSettings {
    new Check().notBlank("output.dir", dir.toString()).done("output settings");
  }
}
