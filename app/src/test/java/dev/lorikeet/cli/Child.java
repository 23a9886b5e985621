package dev.lorikeet.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/** Lorikeet in a process of its own, to which signals can be sent. */
record Child(Process process) {

  static Child start(String... args) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--add-modules",
            "jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-XX:+UseSerialGC",
            "-cp",
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
            Lorikeet.class.getName());
    builder.command().addAll(List.of(args));
    return new Child(builder.redirectErrorStream(true).start());
  }

  /** SIGTERM. Unlike the process itself, its handle leaves the streams open. */
  void terminate() {
    process.toHandle().destroy();
  }

  /** The next line with this beginning; those before it are passed over. */
  String readUntil(String beginning) throws IOException {
    BufferedReader reader = process.inputReader();
    while (true) {
      String line = Objects.requireNonNull(reader.readLine(), "the process ended");
      if (line.startsWith(beginning)) {
        return line;
      }
    }
  }

  /** All lines that are left; returns when the process ends. */
  String rest() throws IOException {
    StringBuilder text = new StringBuilder();
    BufferedReader reader = process.inputReader();
    for (String line = reader.readLine(); line != null; line = reader.readLine()) {
      text.append(line).append('\n');
    }
    return text.toString();
  }
}
