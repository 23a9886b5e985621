package dev.lorikeet.hub;

import dev.lorikeet.error.ConfigException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Which files of a data set are its training records.
 *
 * <p>By their names, as the hub's other tools tell them: those in whose path {@code train} stands
 * as a word; without any such file all that name no other part ({@code validation}, {@code test}).
 * Only what can be read counts. Where that leaves files of several folders or kinds, they are
 * several forms of the set, and the user has to choose.
 */
final class DataFiles {
  private static final Pattern READABLE =
      Pattern.compile(
          ".*\\.(?:parquet|(?:jsonl?|ndjson|csv|tsv|txt)(?:\\.(?:gz|zst))?)",
          Pattern.CASE_INSENSITIVE);
  private static final Pattern ENDING = Pattern.compile("\\.[^.]+(?:\\.(?:gz|zst))?$");
  private static final Pattern TRAIN = word("train|training");
  private static final Pattern OTHER = word("validation|valid|val|dev|test|testing|eval");

  /** Files that tell of a data set. */
  private static final Set<String> ABOUT =
      Set.of("dataset_infos.json", "dataset_info.json", "state.json", "license.txt", "readme.txt");

  private static final int SHOWN = 12;

  private DataFiles() {}

  private static Pattern word(String words) {
    return Pattern.compile("(?:.*[^a-z])?(?:" + words + ")(?:[^a-z].*)?");
  }

  /**
   * The training files of {@code repo}, by name.
   *
   * @throws ConfigException if there is none, or the user has to choose
   */
  static List<HubFile> training(RepoId repo, List<HubFile> all) {
    List<HubFile> readable = all.stream().filter(DataFiles::isReadable).toList();
    List<HubFile> named = readable.stream().filter(file -> is(file, TRAIN)).toList();
    List<HubFile> found =
        named.isEmpty() ? readable.stream().filter(file -> !is(file, OTHER)).toList() : named;
    if (found.isEmpty()) {
      throw new ConfigException(
          "%s has no file with training records that can be read (Parquet, JSON, CSV or text); choose with data.files among %s"
              .formatted(repo, shown(all)));
    }
    Map<String, List<HubFile>> forms =
        found.stream()
            .collect(
                Collectors.groupingBy(
                    DataFiles::form, TreeMap::new, Collectors.toUnmodifiableList()));
    if (forms.size() > 1) {
      throw new ConfigException(
          "%s has its training records in several forms; choose one with data.files: %s"
              .formatted(
                  repo,
                  forms.keySet().stream()
                      .limit(SHOWN)
                      .map(pattern -> "['" + pattern + "']")
                      .collect(Collectors.joining(" or "))));
    }
    return forms.values().iterator().next();
  }

  /** Whether the path has a word; upper and lower case are the same. */
  private static boolean is(HubFile file, Pattern word) {
    return word.matcher(file.path().toLowerCase(Locale.ROOT)).matches();
  }

  private static boolean isReadable(HubFile file) {
    return READABLE.matcher(file.path()).matches()
        && !ABOUT.contains(file.name().toLowerCase(Locale.ROOT))
        && !file.path().startsWith(".");
  }

  /** Folder and ending, as a pattern that finds them again. */
  private static String form(HubFile file) {
    String folder = file.path().substring(0, file.path().length() - file.name().length());
    return folder + "*" + ending(file.name());
  }

  /** With that of a compression: {@code .jsonl.gz}. */
  private static String ending(String name) {
    Matcher ending = ENDING.matcher(name);
    return ending.find() ? ending.group() : "";
  }

  private static String shown(List<HubFile> files) {
    String names = files.stream().limit(SHOWN).map(HubFile::path).collect(Collectors.joining(", "));
    return files.size() > SHOWN ? names + " and " + (files.size() - SHOWN) + " more" : names;
  }
}
