package dev.lorikeet.cli;

import dev.lorikeet.cli.Table.Column;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.hub.CachedRepo.CachedFile;
import dev.lorikeet.hub.CachedRepo.CachedSnapshot;
import dev.lorikeet.hub.HubCache;
import dev.lorikeet.hub.RepoReference;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lorikeet models inspect OWNER/NAME}. */
@Command(
    name = "inspect",
    description = "Shows the files of a model in the cache, and which are missing.",
    footer = {"", "What the model is made of is shown by lorikeet inspect OWNER/NAME."})
final class ModelsInspectCommand implements Callable<Integer> {
  private final ModelsCommand models;

  @Parameters(
      paramLabel = "OWNER/NAME[@REVISION]",
      description = "The model, at its branch main unless said otherwise.")
  private String name = "";

  @Option(
      names = "--verify",
      description = "Read all bytes and compare their checksums with those of the hub.")
  private boolean verify;

  ModelsInspectCommand(ModelsCommand models) {
    this.models = models;
  }

  @Override
  public Integer call() {
    RepoReference reference = RepoReference.parse(name);
    HubCache cache = models.cache();
    CachedSnapshot snapshot = snapshot(cache, reference);
    List<String> missing = cache.missing(new RepoReference(reference.repo(), snapshot.commit()));
    Optional<List<String>> damaged =
        verify
            ? Optional.of(cache.damaged(new RepoReference(reference.repo(), snapshot.commit())))
            : Optional.empty();
    if (models.jsonWanted()) {
      models.console().json(document(reference, snapshot, missing, damaged));
    } else {
      print(reference, snapshot, missing, damaged);
    }
    return damaged.map(List::isEmpty).orElse(true) ? 0 : 1;
  }

  private static CachedSnapshot snapshot(HubCache cache, RepoReference reference) {
    List<CachedSnapshot> all = cache.inspect(reference.repo()).snapshots();
    return all.stream()
        .filter(each ->
            each.commit().equals(reference.revision())
                || each.refs().contains(reference.revision()))
        .findFirst()
        .orElseThrow(() ->
            new ConfigException(
                "the cache has %s, but not at revision '%s'; it has %s"
                    .formatted(
                        reference.repo(),
                        reference.revision(),
                        all.isEmpty()
                            ? "no snapshot of it, only parts of files"
                            : String.join(
                                ", ", all.stream().map(CachedSnapshot::commit).toList()))));
  }

  private void print(
      RepoReference reference,
      CachedSnapshot snapshot,
      List<String> missing,
      Optional<List<String>> damaged) {
    Console console = models.console();
    Table facts = new Table(Column.left("model"), Column.left(reference.toString()));
    facts.row("commit", snapshot.commit());
    if (!snapshot.refs().isEmpty()) {
      facts.row("revisions", String.join(", ", snapshot.refs()));
    }
    facts.row("size", Amounts.bytes(snapshot.bytes()));
    facts.row("state", missing.isEmpty() ? "whole" : "missing: " + String.join(", ", missing));
    damaged.ifPresent(files ->
        facts.row(
            "checksums", files.isEmpty() ? "all right" : "damaged: " + String.join(", ", files)));
    facts.row("folder", snapshot.folder().toString());
    console.result(facts.toString());
    console.result("");
    Table files = new Table(Column.left("file"), Column.right("size"));
    for (CachedFile file : snapshot.files()) {
      files.row(file.path(), Amounts.bytes(file.bytes()));
    }
    console.result(files.toString());
    if (damaged.map(List::isEmpty).orElse(true)) {
      return;
    }
    console.message(
        "error: bytes on the disk are not those of the hub; remove the model with lorikeet models"
            + " remove and download it again");
  }

  private static Map<String, Object> document(
      RepoReference reference,
      CachedSnapshot snapshot,
      List<String> missing,
      Optional<List<String>> damaged) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("id", reference.repo().text());
    json.put("commit", snapshot.commit());
    json.put("revisions", snapshot.refs());
    json.put("folder", snapshot.folder().toString());
    json.put("bytes", snapshot.bytes());
    json.put("missing", missing);
    damaged.ifPresent(files -> json.put("damaged", files));
    json.put(
        "files",
        snapshot.files().stream()
            .map(file -> Map.of("path", file.path(), "bytes", file.bytes()))
            .toList());
    return json;
  }
}
