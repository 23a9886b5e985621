package dev.lorikeet.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One of several places that training records come from.
 *
 * @param path a data file, or a folder of text files
 * @param id data set of a Hugging Face compatible hub as OWNER/NAME; given instead of a path
 * @param revision branch, tag or commit of {@code id}
 * @param files patterns of the files of {@code id}; none means its training files by their names
 * @param weight how often a record of it is trained on in an epoch, above 0: 1 once, 2 twice, 0.25
 *     one of four; which ones is drawn from the seed
 * @param format how the records are written; auto means {@code data.format}
 * @param columns its own names for what a format calls otherwise; come before {@code data.columns}
 * @param query SQL that makes the records out of the file, which it knows as the table {@code data}
 */
public record SourceSettings(
    Optional<Path> path,
    Optional<String> id,
    @Default(ModelSettings.MAIN) String revision,
    @Default("[]") List<String> files,
    @Default("1.0") double weight,
    @Default("auto") DataSettings.Format format,
    @Default("{}") Map<String, String> columns,
    Optional<String> query) {

  /** Most copies of a record in an epoch. */
  public static final double HIGHEST_WEIGHT = 1000;

  public SourceSettings {
    columns = Check.ordered(columns);
    files = List.copyOf(files);
    new Check()
        .require(
            path.isPresent() != id.isPresent(),
            path.isPresent()
                ? "data.sources.id: data.sources.path is given, too; keep one"
                : "data.sources.path is missing; name a file, or a data set of the hub with id")
        .notBlank("data.sources.path", path.map(Path::toString).orElse("-"))
        .hub("data.sources", id, revision, files)
        .positive("data.sources.weight", weight)
        .require(
            weight <= HIGHEST_WEIGHT, "data.sources.weight must be at most 1000, found " + weight)
        .columns("data.sources.columns", columns)
        .done("data source");
  }

  /** One file with all defaults. */
  public static SourceSettings of(Path path) {
    return of(path, Optional.empty());
  }

  /** One file, perhaps with a query, and all other defaults. */
  static SourceSettings of(Path path, Optional<String> query) {
    return new SourceSettings(
        Optional.of(path),
        Optional.empty(),
        ModelSettings.MAIN,
        List.of(),
        1,
        DataSettings.Format.AUTO,
        Map.of(),
        query);
  }

  /** A data set of a hub with all other defaults. */
  static SourceSettings of(String id, String revision, List<String> files, Optional<String> query) {
    return new SourceSettings(
        Optional.empty(),
        Optional.of(id),
        revision,
        files,
        1,
        DataSettings.Format.AUTO,
        Map.of(),
        query);
  }

  /**
   * Where the records are.
   *
   * @throws IllegalStateException for a data set of the hub, which has to be got first
   */
  public Path place() {
    return path.orElseThrow(() -> new IllegalStateException("data set " + id + " was not got"));
  }

  /** The same records out of a file that the data set of the hub has. */
  public SourceSettings at(Path file) {
    return new SourceSettings(
        Optional.of(file),
        Optional.empty(),
        ModelSettings.MAIN,
        List.of(),
        weight,
        format,
        columns,
        query);
  }

  /** The same at another revision. */
  public SourceSettings pinned(String commit) {
    return new SourceSettings(path, id, commit, files, weight, format, columns, query);
  }
}
