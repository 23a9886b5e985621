package dev.lorikeet.job;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.format.AtomicFile;
import dev.lorikeet.format.SafeTensors;
import dev.lorikeet.format.TensorData;
import dev.lorikeet.train.Trainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * One folder that a run can go on from.
 *
 * <pre>
 * adapter/ or full-model/   the trained weights, to be used
 * trained.safetensors       the trained weights, to go on with: float32 under the engine's names
 * optimizer.safetensors     the optimiser's states
 * state.json                {@link State}
 * SHA256SUMS                hash of every file
 * </pre>
 *
 * @param folder {@code checkpoints/step-N} of the run
 * @param state contents of {@code state.json}
 */
record Checkpoint(Path folder, State state) {
  /** Layout of the folder; another number is refused. */
  static final int VERSION = 1;

  static final String OPTIMIZER = "optimizer.safetensors";
  private static final String STATE = "state.json";
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .build();

  /**
   * What is not a tensor.
   *
   * @param version layout of the folder
   * @param origin whose it is
   * @param train how far the training has come
   */
  record State(int version, CheckpointOrigin origin, TrainState train) {

    void write(Path folder) {
      AtomicFile.writeString(folder.resolve(STATE), JSON.writeValueAsString(this) + "\n");
    }
  }

  /**
   * Reads the state of {@code folder}.
   *
   * @throws FormatException if another version of Lorikeet wrote it
   */
  static Checkpoint open(Path folder) {
    Path file = folder.resolve(STATE);
    try {
      String text = Files.readString(file);
      int version = JSON.readTree(text).path("version").asInt(0);
      if (version != VERSION) {
        throw new FormatException(
            file,
            "layout version %d, but this Lorikeet reads version %d; go on with the Lorikeet that wrote it"
                .formatted(version, VERSION));
      }
      return new Checkpoint(folder, JSON.readValue(text, State.class));
    } catch (IOException | JacksonException failure) {
      throw new FormatException(file, "cannot be read: " + failure.getMessage(), failure);
    }
  }

  /**
   * Takes weights and optimiser back to where they were.
   *
   * @throws ConfigException if the recipe trains something else
   */
  void restore(TrainedWeights weights, Trainer trainer) {
    weights.restore(folder);
    try (SafeTensors file = SafeTensors.open(folder.resolve(OPTIMIZER))) {
      Map<String, TensorData> states = new LinkedHashMap<>();
      file.entries()
          .forEach((name, entry) ->
              states.put(name, new TensorData(entry.type(), entry.shape(), file.bytes(name))));
      trainer.restoreOptimizer(states);
    } catch (IllegalArgumentException other) {
      throw new ConfigException(
          "%s: the recipe's optimiser cannot go on from the one in the checkpoint (%s); a run goes on only with the same optimizer"
              .formatted(folder, other.getMessage()));
    }
  }
}
