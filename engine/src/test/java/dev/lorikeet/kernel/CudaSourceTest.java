package dev.lorikeet.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class CudaSourceTest {
  private static final Path FOLDER = Path.of("src/main/resources/dev/lorikeet/kernel/cuda");
  private static final List<String> ARCHITECTURES = List.of("75", "80", "90");

  @TempDir private Path temp;

  @Test
  void everyFileIsPartOfTheSource() throws IOException {
    Set<String> named = new TreeSet<>(CudaSource.HEADERS);
    named.addAll(CudaSource.FILES);
    try (Stream<Path> files = Files.list(FOLDER)) {
      assertEquals(
          files.map(file -> file.getFileName().toString()).collect(Collectors.toSet()), named);
    }
  }

  /** The options of the run-time compiler, and every warning an error. */
  @Test
  @Tag("native")
  void compilesForEveryArchitectureWithoutWarnings() throws IOException, InterruptedException {
    Path compiler =
        Stream.of(System.getenv("PATH"), "/usr/local/cuda/bin")
            .flatMap(java.util.regex.Pattern.compile(":")::splitAsStream)
            .map(folder -> Path.of(folder, "nvcc"))
            .filter(Files::isExecutable)
            .findFirst()
            .orElse(Path.of(""));
    Assumptions.assumeTrue(
        Files.isRegularFile(compiler), "compiling the CUDA kernels needs nvcc on the PATH");
    Path source = Files.writeString(temp.resolve("kernels.cu"), CudaSource.text());
    List<String> command = new ArrayList<>();
    command.addAll(List.of(compiler.toString(), "-std=c++17", "--fmad=false", "-fatbin"));
    command.addAll(List.of("-Werror", "all-warnings", "-Wno-deprecated-gpu-targets"));
    for (String architecture : ARCHITECTURES) {
      command.add("-gencode");
      command.add("arch=compute_%1$s,code=sm_%1$s".formatted(architecture));
    }
    command.addAll(List.of("-o", temp.resolve("kernels.fatbin").toString(), source.toString()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String log = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals("0 ", process.waitFor() + " " + log.strip());
  }
}
