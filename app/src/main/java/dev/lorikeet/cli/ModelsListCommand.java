package dev.lorikeet.cli;

import dev.lorikeet.cli.Table.Column;
import dev.lorikeet.hub.CachedRepo;
import dev.lorikeet.hub.CachedRepo.CachedSnapshot;
import dev.lorikeet.hub.HubCache;
import dev.lorikeet.hub.RepoReference;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** {@code lorikeet models list}. */
@Command(name = "list", description = "Lists all models in the cache, by name.")
final class ModelsListCommand implements Callable<Integer> {
  private static final int SHORT_COMMIT = 12;

  private final ModelsCommand models;

  ModelsListCommand(ModelsCommand models) {
    this.models = models;
  }

  @Override
  public Integer call() {
    HubCache cache = models.cache();
    List<CachedRepo> repos = cache.list();
    Console console = models.console();
    if (models.jsonWanted()) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("cache", cache.root().toString());
      json.put("models", repos.stream().map(repo -> document(cache, repo)).toList());
      console.json(json);
    } else if (repos.isEmpty()) {
      console.message("No models in " + cache.root() + " yet; lorikeet download gets one.");
    } else {
      console.result(table(cache, repos).toString());
      console.result("");
      console.result(
          "%s on the disk, in %s"
              .formatted(
                  Amounts.bytes(repos.stream().mapToLong(CachedRepo::bytes).sum()), cache.root()));
    }
    return 0;
  }

  private Table table(HubCache cache, List<CachedRepo> repos) {
    Table table =
        new Table(
            Column.left("repository"),
            Column.left("revision"),
            Column.left("commit"),
            Column.right("files"),
            Column.right("size"),
            Column.left("state"),
            Column.left("changed"));
    for (CachedRepo repo : repos) {
      for (CachedSnapshot snapshot : repo.snapshots()) {
        table.row(
            repo.repo().path(),
            String.join(", ", snapshot.refs()),
            snapshot.commit().substring(0, SHORT_COMMIT),
            Integer.toString(snapshot.files().size()),
            Amounts.bytes(snapshot.bytes()),
            whole(cache, repo, snapshot) ? "whole" : "in part",
            RunText.time(repo.changed(), models.console().clock()));
      }
      if (repo.snapshots().isEmpty()) {
        table.row(repo.repo().path(), "", "", "0", Amounts.bytes(repo.bytes()), "in part", "");
      }
    }
    return table;
  }

  private static boolean whole(HubCache cache, CachedRepo repo, CachedSnapshot snapshot) {
    return cache.missing(new RepoReference(repo.repo(), snapshot.commit())).isEmpty();
  }

  private static Map<String, Object> document(HubCache cache, CachedRepo repo) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("id", repo.repo().path());
    json.put("folder", repo.folder().toString());
    json.put("bytes", repo.bytes());
    json.put("changed", repo.changed().toString());
    json.put(
        "snapshots",
        repo.snapshots().stream()
            .map(snapshot -> {
              Map<String, Object> entry = new LinkedHashMap<>();
              entry.put("commit", snapshot.commit());
              entry.put("revisions", snapshot.refs());
              entry.put("folder", snapshot.folder().toString());
              entry.put("files", snapshot.files().size());
              entry.put("bytes", snapshot.bytes());
              entry.put("whole", whole(cache, repo, snapshot));
              return entry;
            })
            .toList());
    return json;
  }
}
