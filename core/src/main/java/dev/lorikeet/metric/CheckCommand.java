package dev.lorikeet.metric;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.RunException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A user's command that checks a file: run without a shell in an empty temporary folder, ended with
 * all its children when it takes too long or prints too much.
 *
 * @param words program and arguments; {@code {file}} in one of them stands for the file
 * @param extension of the file, such as {@code .py}
 * @param timeout after which it has failed
 * @param mostOutputBytes after which it has failed
 */
record CheckCommand(List<String> words, String extension, Duration timeout, long mostOutputBytes) {
  private static final String FILE = "{file}";

  CheckCommand {
    words = List.copyOf(words);
    if (words.stream().noneMatch(word -> word.contains(FILE))) {
      throw new ConfigException(
          "code_compiles: the command must name the file to check as {file}, as in"
              + " \"python -m py_compile {file}\"; found "
              + String.join(" ", words));
    }
    if (!extension.matches("(\\.[A-Za-z0-9]+)?")) {
      throw new ConfigException(
          "code_compiles: the extension must be like .py, found " + extension);
    }
  }

  /** A command line cut at spaces, but not inside single or double quotes. */
  static List<String> words(String line) {
    List<String> words = new ArrayList<>();
    var word = new StringBuilder();
    char quote = 0;
    boolean inWord = false;
    for (int i = 0; i < line.length(); i++) {
      char c = line.charAt(i);
      if (quote != 0 && c == quote) {
        quote = 0;
      } else if (quote == 0 && (c == '"' || c == '\'')) {
        quote = c;
        inWord = true;
      } else if (quote == 0 && Character.isWhitespace(c)) {
        if (inWord) {
          words.add(word.toString());
          word.setLength(0);
        }
        inWord = false;
      } else {
        word.append(c);
        inWord = true;
      }
    }
    if (quote != 0) {
      throw new ConfigException("code_compiles: the command has an open quote: " + line);
    }
    if (inWord) {
      words.add(word.toString());
    }
    return words;
  }

  /**
   * Whether the command ends with exit status 0 on a file that holds {@code code}.
   *
   * @throws RunException if the command cannot be started
   */
  boolean accepts(String code) {
    try {
      Path folder = Files.createTempDirectory("lorikeet-check-");
      try {
        Path file = Files.writeString(folder.resolve("answer" + extension), code);
        return run(file, folder);
      } finally {
        delete(folder);
      }
    } catch (IOException failure) {
      throw new RunException(
          "code_compiles could not run \""
              + String.join(" ", words)
              + "\": "
              + failure.getMessage()
              + "; check that the program is installed",
          failure);
    }
  }

  private boolean run(Path file, Path folder) throws IOException {
    List<String> command = words.stream().map(word -> word.replace(FILE, file.toString())).toList();
    Process process =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    try {
      process.getOutputStream().close();
      // The output is read beside the wait: a full pipe would stop the command.
      Thread reader = Thread.ofVirtual().start(() -> endWhenTooLong(process));
      boolean ended = process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS);
      end(process);
      reader.join();
      return ended && process.exitValue() == 0;
    } catch (InterruptedException stop) {
      Thread.currentThread().interrupt();
      throw new RunException("code_compiles was interrupted; run again to score all items", stop);
    } finally {
      end(process);
    }
  }

  private void endWhenTooLong(Process process) {
    byte[] buffer = new byte[8192];
    long total = 0;
    try (InputStream output = process.getInputStream()) {
      for (int read = output.read(buffer); read >= 0; read = output.read(buffer)) {
        total += read;
        if (total > mostOutputBytes) {
          end(process);
          return;
        }
      }
    } catch (IOException closed) {
      // The process was ended; its status says so.
      return;
    }
  }

  private static void end(Process process) {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> inside = Files.walk(folder)) {
      for (Path path : inside.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    }
  }
}
