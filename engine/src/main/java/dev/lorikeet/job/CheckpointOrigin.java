package dev.lorikeet.job;

import dev.lorikeet.config.RunConfig;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a checkpoint says of its run, for whoever finds it alone.
 *
 * @param run id of the run
 * @param recipeSha256 hash of the resolved recipe, which is {@code recipe.yaml} of the run
 * @param identity what else the numbers depend on, see {@link RunIdentity}
 */
record CheckpointOrigin(String run, String recipeSha256, Map<String, String> identity) {
  CheckpointOrigin {
    identity = new TreeMap<>(identity);
  }

  static CheckpointOrigin of(String run, RunConfig config, Map<String, String> identity) {
    return new CheckpointOrigin(run, RunIdentity.sha256(config.toYaml()), identity);
  }
}
