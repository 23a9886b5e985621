package dev.lorikeet.job;

import dev.lorikeet.config.DataSettings;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.config.SourceSettings;
import dev.lorikeet.hub.DataSnapshot;
import dev.lorikeet.hub.FileChoice;
import dev.lorikeet.hub.HubClient;
import dev.lorikeet.hub.HubListener;
import dev.lorikeet.hub.HubSettings;
import dev.lorikeet.hub.RepoId;
import dev.lorikeet.hub.RepoReference;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** The files of a recipe's data, which are got from a hub where the recipe names a data set. */
public final class HubData {
  private HubData() {}

  /**
   * The recipe with the commits that its data sets are at, so that they stay the same. What the
   * cache has is taken from there, and downloaded otherwise.
   *
   * @param hub asked only if the recipe names a data set
   * @throws dev.lorikeet.error.LorikeetException if one cannot be had
   */
  static RunConfig pinned(RunConfig config, Supplier<HubSettings> hub, HubListener listener) {
    DataSettings data = config.data();
    if (!isNamed(data)) {
      return config;
    }
    HubClient client = new HubClient(hub.get());
    List<SourceSettings> pinned =
        data.trainSources().stream()
            .map(source ->
                source.id().isEmpty()
                    ? source
                    : source.pinned(snapshot(client, source, listener).snapshot().commit()))
            .toList();
    return data.id().isPresent()
        ? config.with("data.revision='" + pinned.getFirst().revision() + "'")
        : config.withSources(pinned);
  }

  /**
   * The data settings with the files of data sets instead of their names.
   *
   * @param hub asked only if the recipe names a data set
   * @throws dev.lorikeet.error.LorikeetException if one cannot be had
   */
  public static DataSettings local(
      RunConfig config, Supplier<HubSettings> hub, HubListener listener) {
    if (!isNamed(config.data())) {
      return config.data();
    }
    HubClient client = new HubClient(hub.get());
    List<SourceSettings> files =
        config.data().trainSources().stream()
            .flatMap(source ->
                source.id().isEmpty()
                    ? Stream.of(source)
                    : snapshot(client, source, listener).files().stream().map(source::at))
            .toList();
    return config.withSources(files).data();
  }

  private static boolean isNamed(DataSettings data) {
    return data.trainSources().stream().anyMatch(source -> source.id().isPresent());
  }

  private static DataSnapshot snapshot(
      HubClient client, SourceSettings source, HubListener listener) {
    RepoReference reference =
        new RepoReference(RepoId.dataset(source.id().orElseThrow()), source.revision());
    return client.requireData(reference, FileChoice.matching(source.files()), listener);
  }
}
