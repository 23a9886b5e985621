package dev.lorikeet.config;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * One of several places that training records come from.
 *
 * @param path a data file, or a folder of text files
 * @param weight how often a record of it is trained on in an epoch, above 0: 1 once, 2 twice, 0.25
 *     one of four; which ones is drawn from the seed
 * @param format how the records are written; auto means {@code data.format}
 * @param columns its own names for what a format calls otherwise; come before {@code data.columns}
 * @param query SQL that makes the records out of the file, which it knows as the table {@code data}
 */
public record SourceSettings(
    Path path,
    @Default("1.0") double weight,
    @Default("auto") DataSettings.Format format,
    @Default("{}") Map<String, String> columns,
    Optional<String> query) {

  /** Most copies of a record in an epoch. */
  public static final double HIGHEST_WEIGHT = 1000;

  public SourceSettings {
    columns = Check.ordered(columns);
    new Check()
        .notBlank("data.sources.path", path.toString())
        .positive("data.sources.weight", weight)
        .require(
            weight <= HIGHEST_WEIGHT, "data.sources.weight must be at most 1000, found " + weight)
        .columns("data.sources.columns", columns)
        .done("data source");
  }
}
