package dev.lorikeet.source;

import dev.lorikeet.error.DataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * A folder of text files: those in it and below whose names end as texts do, in the order of their
 * names, which is the same on every system. Hidden files and folders are left out.
 */
public final class TextFolder {
  private TextFolder() {}

  /**
   * The text files of {@code folder}, at least one.
   *
   * @throws DataException if it cannot be listed or holds none
   */
  public static List<Path> files(Path folder) {
    try (Stream<Path> below = Files.walk(folder)) {
      List<Path> files =
          below
              .filter(path -> !isHidden(folder.relativize(path)) && Files.isRegularFile(path))
              .sorted(Comparator.comparing(path -> name(folder, path)))
              .toList();
      List<Path> texts = files.stream().filter(FileKind::isText).toList();
      if (texts.isEmpty()) {
        throw new DataException(
            "data file "
                + folder
                + " is a folder; name a file in it"
                + (files.isEmpty() ? "" : ", such as " + files.getFirst().getFileName())
                + ", or put texts there that end in .txt or .md");
      }
      return texts;
    } catch (IOException e) {
      throw new DataException("folder " + folder + " cannot be listed: " + e, e);
    }
  }

  /** Name of {@code file} below {@code folder}, with slashes. */
  public static String name(Path folder, Path file) {
    return folder.relativize(file).toString().replace('\\', '/');
  }

  private static boolean isHidden(Path relative) {
    for (Path part : relative) {
      if (part.toString().startsWith(".") && part.toString().length() > 1) {
        return true;
      }
    }
    return false;
  }
}
