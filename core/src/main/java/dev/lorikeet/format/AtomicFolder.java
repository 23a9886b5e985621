package dev.lorikeet.format;

import dev.lorikeet.error.RunException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Writes a folder as a whole or not at all, and tells later whether it is still whole.
 *
 * <p>The files go to a hidden temporary folder beside the target ({@code .NAME.PID.tmp}). {@value
 * #SUMS}, in the format of the program sha256sum, gets a line for every file: hash, two spaces,
 * path inside the folder. Every file and folder is forced to the disk, then the folder is renamed
 * and its parent forced. A process that is killed leaves at most a temporary folder, which {@link
 * #tidy} removes.
 */
public final class AtomicFolder {
  /** Name of the file with the hashes. */
  public static final String SUMS = "SHA256SUMS";

  private static final int BUFFER_BYTES = 1 << 20;
  private static final String TEMPORARY = ".tmp";

  private AtomicFolder() {}

  /**
   * Makes {@code target} of what {@code body} writes into the empty folder that it gets. A folder
   * that has the name already is replaced.
   *
   * @throws RunException if it cannot be written; an old folder is then still whole
   */
  public static void write(Path target, IoConsumer<Path> body) {
    Path parent = target.toAbsolutePath().getParent();
    if (parent == null) {
      throw new IllegalStateException(target + " has no parent folder");
    }
    Path temporary = temporary(target);
    try {
      Files.createDirectories(parent);
      delete(temporary);
      Files.createDirectory(temporary);
      body.accept(temporary);
      AtomicFile.writeString(temporary.resolve(SUMS), sums(temporary));
      forceAll(temporary);
      remove(target);
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
      force(parent);
    } catch (IOException failure) {
      throw new RunException(
          "Could not write the folder %s: %s. Free space there or choose another folder, then run again."
              .formatted(target, JsonFile.reason(failure)),
          failure);
    }
  }

  /**
   * What keeps {@code folder} from being the one that was written: a file that is missing, was
   * changed, or was added; empty if it is whole. Reads every file.
   */
  public static Optional<String> damage(Path folder) {
    Path sums = folder.resolve(SUMS);
    try {
      Map<String, String> expected = new LinkedHashMap<>();
      for (String line : Files.readAllLines(sums)) {
        String[] parts = line.split("  ", 2);
        if (parts.length != 2) {
          return Optional.of(SUMS + " is damaged");
        }
        expected.put(parts[1], parts[0]);
      }
      for (Map.Entry<String, String> entry : expected.entrySet()) {
        Path file = folder.resolve(entry.getKey());
        if (!Files.isRegularFile(file)) {
          return Optional.of(entry.getKey() + " is missing");
        }
        if (!sha256(file).equals(entry.getValue())) {
          return Optional.of(
              "%s (%d bytes) is not what was written".formatted(entry.getKey(), Files.size(file)));
        }
      }
      return files(folder).stream()
          .map(file -> name(folder, file))
          .filter(name -> !name.equals(SUMS) && !expected.containsKey(name))
          .findFirst()
          .map(name -> name + " does not belong there");
    } catch (IOException failure) {
      return Optional.of(
          Files.exists(sums) ? "it cannot be read: " + failure.getMessage() : SUMS + " is missing");
    }
  }

  /** Removes {@code folder}, which a reader sees whole or not at all; nothing if it is absent. */
  public static void remove(Path folder) {
    try {
      if (Files.exists(folder)) {
        Path away = folder.resolveSibling("." + folder.getFileName() + ".old" + TEMPORARY);
        delete(away);
        Files.move(folder, away, StandardCopyOption.ATOMIC_MOVE);
        delete(away);
      }
    } catch (IOException failure) {
      throw new RunException(
          "Could not remove the folder %s: %s".formatted(folder, JsonFile.reason(failure)),
          failure);
    }
  }

  /** Removes the temporary files and folders in {@code parent} that killed processes left. */
  public static void tidy(Path parent) {
    if (!Files.isDirectory(parent)) {
      return;
    }
    try (Stream<Path> children = Files.list(parent)) {
      for (Path child : children.toList()) {
        String name = String.valueOf(child.getFileName());
        if (name.startsWith(".") && name.endsWith(TEMPORARY)) {
          delete(child);
        }
      }
    } catch (IOException failure) {
      throw new RunException(
          "Could not remove the temporary files in %s: %s"
              .formatted(parent, JsonFile.reason(failure)),
          failure);
    }
  }

  private static Path temporary(Path target) {
    return target.resolveSibling(
        "." + target.getFileName() + "." + ProcessHandle.current().pid() + TEMPORARY);
  }

  private static String sums(Path folder) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (Path file : files(folder)) {
      lines.append(sha256(file)).append("  ").append(name(folder, file)).append('\n');
    }
    return lines.toString();
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).sorted().toList();
    }
  }

  private static String name(Path folder, Path file) {
    return folder.relativize(file).toString().replace('\\', '/');
  }

  private static void forceAll(Path folder) throws IOException {
    List<Path> folders = new ArrayList<>();
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.toList()) {
        if (Files.isDirectory(path)) {
          folders.add(path);
        } else {
          try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
            channel.force(true);
          }
        }
      }
    }
    folders.reversed().forEach(AtomicFolder::force);
  }

  private static void force(Path folder) {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException unsupported) {
      // Windows and some network file systems cannot open or force a folder; the files are safe.
      return;
    }
  }

  private static void delete(Path path) throws IOException {
    if (!Files.exists(path)) {
      return;
    }
    try (Stream<Path> all = Files.walk(path)) {
      for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(each);
      }
    }
  }

  private static String sha256(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      byte[] buffer = new byte[BUFFER_BYTES];
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        digest.update(buffer, 0, read);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
