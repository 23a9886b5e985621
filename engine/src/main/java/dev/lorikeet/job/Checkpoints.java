package dev.lorikeet.job;

import dev.lorikeet.error.FormatException;
import dev.lorikeet.error.RunException;
import dev.lorikeet.format.AtomicFolder;
import dev.lorikeet.format.SafeTensorsWriter;
import dev.lorikeet.train.Trainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The checkpoints of one run: {@code step-N} is written after N steps. The newest ones and the best
 * one are kept.
 */
final class Checkpoints {
  private static final Pattern NAME = Pattern.compile("step-(\\d{1,18})");

  private final Path folder;
  private final TrainedWeights weights;
  private final Trainer trainer;
  private final CheckpointOrigin origin;
  private final int keep;
  private final boolean startedFinite;

  /**
   * The checkpoints in {@code folder}, which need not exist yet.
   *
   * @param origin what every one of them says of its run
   * @param keep newest ones that are kept
   */
  Checkpoints(
      Path folder, TrainedWeights weights, Trainer trainer, CheckpointOrigin origin, int keep) {
    this.folder = folder;
    this.weights = weights;
    this.trainer = trainer;
    this.origin = origin;
    this.keep = keep;
    startedFinite = weights.finite();
  }

  /**
   * What a search for the newest whole checkpoint found.
   *
   * @param checkpoint the newest that is whole
   * @param damaged a sentence for every newer one
   */
  record Found(Optional<Checkpoint> checkpoint, List<String> damaged) {
    Found {
      damaged = List.copyOf(damaged);
    }
  }

  /**
   * Looks into {@code folder} and reads every byte of the newest checkpoints until one is whole.
   */
  static Found newest(Path folder) {
    List<String> damaged = new ArrayList<>();
    for (long step : steps(folder).reversed()) {
      Path candidate = at(folder, step);
      Optional<String> damage = AtomicFolder.damage(candidate);
      if (damage.isEmpty()) {
        return new Found(Optional.of(Checkpoint.open(candidate)), damaged);
      }
      damaged.add("checkpoint %s is damaged: %s".formatted(candidate, damage.get()));
    }
    return new Found(Optional.empty(), damaged);
  }

  /** Writes the checkpoint of now, then removes those that are not kept any more. */
  Path write(TrainState state) {
    Path target = at(folder, state.step());
    AtomicFolder.write(
        target,
        temporary -> {
          weights.write(temporary);
          SafeTensorsWriter.write(
              temporary.resolve(Checkpoint.OPTIMIZER), trainer.optimizerState(), Map.of());
          new Checkpoint.State(Checkpoint.VERSION, origin, state).write(temporary);
        });
    prune(state.best().map(TrainState.Best::step));
    return target;
  }

  /**
   * Refuses to keep what no run could go on from. A model that came with such values, in the
   * embedding of a token that never occurs perhaps, is taken as it is.
   *
   * @throws RunException if a trained value is not a finite number after {@code step} steps
   */
  void requireFinite(long step) {
    if (startedFinite && !weights.finite()) {
      throw new RunException(
          "after step %d the trained weights hold values that are not numbers, so training was stopped. A lower learning_rate is the usual remedy."
              .formatted(step));
    }
  }

  private void prune(Optional<Long> best) {
    List<Long> steps = steps(folder);
    Set<Long> kept = new HashSet<>(steps.subList(Math.max(0, steps.size() - keep), steps.size()));
    best.ifPresent(kept::add);
    steps.stream()
        .filter(step -> !kept.contains(step))
        .forEach(step -> AtomicFolder.remove(at(folder, step)));
  }

  /** Removes the checkpoints after {@code step}: damaged ones, which would come back otherwise. */
  void removeAfter(long step) {
    steps(folder).stream()
        .filter(found -> found > step)
        .forEach(found -> AtomicFolder.remove(at(folder, found)));
  }

  /**
   * Takes only the weights back, to those of the lowest validation loss.
   *
   * @throws FormatException if that checkpoint is damaged or gone
   */
  Path restoreBest(TrainState.Best best) {
    Path source = at(folder, best.step());
    AtomicFolder.damage(source)
        .ifPresent(damage -> {
          throw new FormatException(
              source, "the best checkpoint cannot be used, for " + damage + ".");
        });
    weights.restore(source);
    return source;
  }

  /** The newest one's folder, if there is any; not checked. */
  Optional<Path> last() {
    List<Long> steps = steps(folder);
    return steps.isEmpty() ? Optional.empty() : Optional.of(at(folder, steps.getLast()));
  }

  /** The folder of the checkpoint after {@code step} steps. */
  Path at(long step) {
    return at(folder, step);
  }

  private static Path at(Path folder, long step) {
    return folder.resolve("step-" + step);
  }

  /** The steps that have a checkpoint, the first one first. */
  private static List<Long> steps(Path folder) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> children = Files.list(folder)) {
      return children
          .map(child -> NAME.matcher(String.valueOf(child.getFileName())))
          .filter(Matcher::matches)
          .map(matcher -> Long.parseLong(matcher.group(1)))
          .sorted(Comparator.naturalOrder())
          .toList();
    } catch (IOException failure) {
      throw new RunException("The checkpoints in " + folder + " cannot be listed", failure);
    }
  }
}
