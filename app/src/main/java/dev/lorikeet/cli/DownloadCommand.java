package dev.lorikeet.cli;

import dev.lorikeet.cli.Table.Column;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.hub.Downloaded;
import dev.lorikeet.hub.FileChoice;
import dev.lorikeet.hub.HubClient;
import dev.lorikeet.hub.HubSettings;
import dev.lorikeet.hub.RepoReference;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lorikeet download OWNER/NAME}. */
@Command(
    name = "download",
    description =
        "Downloads a model or a data set from the Hugging Face hub into the cache that its tools share.",
    footer = {
      "",
      "Of a data set come the training records, told by the names of the files, or what --include names.",
      "Weights in other formats than safetensors are left out unless --include names them. An",
      "interrupted download goes on where it stopped. HF_TOKEN, HF_HOME, HF_HUB_CACHE, HF_ENDPOINT",
      "and HF_HUB_OFFLINE mean what they mean to Hugging Face's own tools."
    })
final class DownloadCommand implements Callable<Integer> {
  private static final int SHOWN_SKIPPED = 5;

  private final Console console;
  @Mixin private JsonOption json = new JsonOption();
  @Mixin private HubOptions hub = new HubOptions();

  @Parameters(
      paramLabel = "OWNER/NAME",
      description =
          "The repository, as in HuggingFaceTB/SmolLM2-135M or datasets/tatsu-lab/alpaca.")
  private String name = "";

  @Option(
      names = "--revision",
      paramLabel = "R",
      description = "Branch, tag or commit (default: main).")
  private @Nullable String revision;

  @Option(
      names = "--include",
      paramLabel = "GLOB",
      description = "Only files like this, as in '*.json'; may be repeated.")
  private List<String> include = new ArrayList<>();

  @Option(
      names = "--parallel",
      paramLabel = "N",
      defaultValue = "" + HubSettings.USUAL_PARALLEL_FILES,
      description = "Files at a time (default: ${DEFAULT-VALUE}).")
  private int parallel = HubSettings.USUAL_PARALLEL_FILES;

  DownloadCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    RepoReference reference = reference();
    HubProgress progress = new HubProgress(console, reference.toString());
    try {
      Downloaded downloaded =
          new HubClient(hub.settings(console).parallel(parallel))
              .download(reference, FileChoice.matching(include), progress);
      progress.end();
      print(reference, downloaded);
    } finally {
      progress.end();
    }
    return 0;
  }

  private RepoReference reference() {
    RepoReference named = RepoReference.parse(name);
    if (revision == null) {
      return named;
    }
    if (name.contains("@")) {
      throw new ConfigException(
          "the revision is given twice: %s and --revision %s; keep one".formatted(name, revision));
    }
    return new RepoReference(named.repo(), revision);
  }

  private void print(RepoReference reference, Downloaded downloaded) {
    if (json.wanted()) {
      console.json(document(reference, downloaded));
      return;
    }
    Table table =
        new Table(Column.left(reference.repo().kind().words()), Column.left(reference.toString()));
    table.row("commit", downloaded.snapshot().commit());
    table.row(
        "files",
        downloaded.fetchedFiles() == 0
            ? downloaded.files() + ", all in the cache before"
            : "%d, %d of them fetched (%s)"
                .formatted(
                    downloaded.files(),
                    downloaded.fetchedFiles(),
                    Amounts.bytes(downloaded.fetchedBytes())));
    if (!downloaded.skipped().isEmpty()) {
      table.row(
          "left out",
          "%s (%s): %s"
              .formatted(
                  Amounts.files(downloaded.skipped().size()),
                  Amounts.bytes(downloaded.skippedBytes()),
                  shown(downloaded.skipped())));
    }
    table.row("folder", downloaded.snapshot().folder().toString());
    console.result(table.toString());
  }

  private static String shown(List<String> paths) {
    int count = Math.min(SHOWN_SKIPPED, paths.size());
    return String.join(", ", paths.subList(0, count)) + (count < paths.size() ? ", ..." : "");
  }

  private static Map<String, Object> document(RepoReference reference, Downloaded downloaded) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("id", reference.repo().path());
    json.put("revision", reference.revision());
    json.put("commit", downloaded.snapshot().commit());
    json.put("folder", downloaded.snapshot().folder().toString());
    json.put("files", downloaded.files());
    json.put("fetched_files", downloaded.fetchedFiles());
    json.put("fetched_bytes", downloaded.fetchedBytes());
    json.put("left_out", downloaded.skipped());
    json.put("left_out_bytes", downloaded.skippedBytes());
    return json;
  }
}
