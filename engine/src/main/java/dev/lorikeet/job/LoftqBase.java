package dev.lorikeet.job;

import dev.lorikeet.adapter.LoraAdapter;
import dev.lorikeet.config.InitLoraWeights;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.RunException;
import dev.lorikeet.format.AtomicFolder;
import dev.lorikeet.run.RunDirectory;
import dev.lorikeet.torch.Device;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The quantised base of a run that starts as LoftQ. With {@code loftq_iter} 1 it is the checkpoint,
 * quantised as usual. With more it is another one that exists nowhere else, so it is written into
 * the run's folder before the first step, in bitsandbytes' layout, and the adapter names it.
 */
public final class LoftqBase {
  private static final String FOLDER = "base";

  private LoftqBase() {}

  /** The folder with the base that the adapter of a run needs; none if the recipe's model does. */
  public static Optional<Path> folder(RunConfig config, Path runDirectory) {
    return starts(config) && config.adapter().loftqIter() > 1
        ? Optional.of(runDirectory.resolve(FOLDER))
        : Optional.empty();
  }

  private static boolean starts(RunConfig config) {
    return config.adapter().initLoraWeights() instanceof InitLoraWeights.Loftq;
  }

  /**
   * The base of a run that is taken up again, if it is a folder of its own.
   *
   * @throws RunException if it is not whole
   */
  static Optional<Path> existing(Resumption taken) {
    Path directory = RunDirectory.existing(taken.run()).path();
    Optional<Path> folder =
        taken.found().checkpoint().isPresent()
            ? folder(taken.config(), directory)
            : Optional.empty();
    folder
        .flatMap(LoftqBase::damage)
        .ifPresent(damage -> {
          throw new RunException(
              "Run %s cannot go on: the base that LoftQ made, %s, is damaged: %s. Bring the folder back, or train anew with: lorikeet finetune %s"
                  .formatted(
                      taken.run().id(), folder.get(), damage, directory.resolve("recipe.yaml")));
        });
    return folder;
  }

  private static Optional<String> damage(Path folder) {
    return Files.isDirectory(folder) ? AtomicFolder.damage(folder) : Optional.of("it is missing");
  }

  /**
   * The adapter of a run that is taken up again, whose start was LoftQ: the checkpoint's, so that
   * nothing is decomposed twice and the base is compared with the one that it was trained on.
   */
  static Optional<LoraAdapter> adapter(Resumption taken, Device device) {
    return taken
        .found()
        .checkpoint()
        .filter(_ -> starts(taken.config()))
        .map(checkpoint ->
            LoraAdapter.readAs(
                checkpoint.folder().resolve(TrainedWeights.ADAPTER),
                AdapterRecipe.settings(taken.config().adapter()),
                device));
  }

  /** Writes the base of {@code loaded} before anything is trained; a folder there is replaced. */
  static void write(LoadedModel loaded, Path folder) {
    AtomicFolder.write(folder, loaded::writeQuantised);
  }
}
