package dev.lorikeet.task;

import dev.lorikeet.error.DataException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The folders that hold the data files of tasks; {@code docs/tasks.md} lists their layouts.
 *
 * @param folders looked through in this order, at least one
 */
public record TaskData(List<Path> folders) {
  /** Packed forms that are recognised but not read. */
  private static final List<String> PACKED = List.of(".bz2", ".gz", ".zst", ".zip", ".parquet");

  public TaskData {
    folders = List.copyOf(folders);
    if (folders.isEmpty()) {
      throw new IllegalArgumentException("no folder of task data");
    }
  }

  /** One folder. */
  public static TaskData of(Path folder) {
    return new TaskData(List.of(folder));
  }

  /**
   * Where {@code file} lies.
   *
   * @throws DataException if it is in none of the folders; says what to download and where to put
   *     it
   */
  Path find(DataFile file) {
    return lookUp(file.paths()).orElseThrow(() -> new DataException(missing(file)));
  }

  /** The first of {@code paths} that exists, empty if none does. */
  Optional<Path> lookUp(List<String> paths) {
    for (String path : paths) {
      for (Path folder : folders) {
        Path candidate = folder.resolve(path);
        if (Files.isRegularFile(candidate)) {
          return Optional.of(candidate);
        }
      }
    }
    return Optional.empty();
  }

  /** The records of a JSON or JSON lines file. */
  List<TaskRecord> records(DataFile file) {
    return JsonFileReader.records(find(file));
  }

  /**
   * The whole text of {@code file}, UTF-8, with line feeds as line ends and no byte order mark; a
   * file {@code .bz2} is unpacked.
   */
  static String text(Path file) {
    try {
      byte[] content = Files.readAllBytes(file);
      byte[] plain = file.toString().endsWith(".bz2") ? Bzip2.unpack(file, content) : content;
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(plain)).toString();
      return (text.startsWith("\uFEFF") ? text.substring(1) : text).replace("\r\n", "\n");
    } catch (CharacterCodingException e) {
      throw new DataException("data file " + file + " is not UTF-8 text; save it as UTF-8", e);
    } catch (IOException e) {
      throw new DataException("data file " + file + " cannot be read: " + e, e);
    }
  }

  private String missing(DataFile file) {
    String where = folders.stream().map(Path::toString).collect(Collectors.joining(" and "));
    return "task %s needs %s, but there is no %s in %s.%s Get it from %s and put it at %s"
        .formatted(
            file.task(),
            file.content(),
            String.join(", no ", file.paths()),
            where,
            packed(file),
            file.origin(),
            folders.getFirst().resolve(file.paths().getFirst()));
  }

  private String packed(DataFile file) {
    for (String path : file.paths()) {
      String stem = path.substring(0, path.lastIndexOf('.'));
      for (String ending : PACKED) {
        Optional<Path> found = lookUp(List.of(path + ending, stem + ending));
        if (found.isPresent()) {
          return " There is %s, which has to be unpacked%s first."
              .formatted(
                  found.get(),
                  ending.equals(".parquet")
                      ? " to JSON lines"
                      : " (%s)".formatted(ending.substring(1).toUpperCase(Locale.ROOT)));
        }
      }
    }
    return "";
  }
}
