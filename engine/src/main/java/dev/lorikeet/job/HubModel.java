package dev.lorikeet.job;

import dev.lorikeet.config.ModelSettings;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.hub.HubClient;
import dev.lorikeet.hub.HubListener;
import dev.lorikeet.hub.HubSettings;
import dev.lorikeet.hub.RepoId;
import dev.lorikeet.hub.RepoReference;
import dev.lorikeet.hub.Snapshot;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;

/** The folder of a recipe's model, which is got from a hub if the recipe names a repository. */
public final class HubModel {
  private HubModel() {}

  /** The repository that {@code model} names; empty if it names a folder. */
  public static Optional<RepoReference> reference(ModelSettings model) {
    return model.id().map(id -> new RepoReference(RepoId.model(id), model.revision()));
  }

  /**
   * The recipe with the commit that its {@code model.revision} means, so that it stays the same
   * model. The model is taken from the cache if it is whole there, and downloaded otherwise.
   *
   * @param hub asked only if the recipe names a repository
   * @throws dev.lorikeet.error.LorikeetException if the model cannot be had
   */
  static RunConfig pinned(RunConfig config, Supplier<HubSettings> hub, RunListener listener) {
    return reference(config.model())
        .map(reference -> {
          Snapshot snapshot = new HubClient(hub.get()).require(reference, heardBy(listener));
          return config.with("model.revision='" + snapshot.commit() + "'");
        })
        .orElse(config);
  }

  /** What a client tells goes on to the listener of a run. */
  static HubListener heardBy(RunListener listener) {
    return new HubListener() {
      @Override
      public void notice(String text) {
        listener.notice(text);
      }
    };
  }

  /**
   * The folder with the checkpoint.
   *
   * @param hub asked only if {@code model} names a repository
   * @throws dev.lorikeet.error.LorikeetException if the model cannot be had
   */
  static Path folder(ModelSettings model, Supplier<HubSettings> hub) {
    return reference(model)
        .map(
            reference -> new HubClient(hub.get()).require(reference, HubListener.silent()).folder())
        .orElseGet(() -> LoadedModel.directoryOf(model.path().orElseThrow()));
  }
}
