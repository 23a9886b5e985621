package dev.lorikeet.bench.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The script bench/gpu in an unpacked folder whose Java only acts as if. */
@Tag("slow")
@DisabledOnOs(OS.WINDOWS) // The script is a POSIX shell script.
final class GpuScriptTest {
  @TempDir private Path box;

  private record Result(int code, String text) {}

  @BeforeEach
  void unpack() throws IOException {
    Files.createDirectories(box.resolve("bench"));
    Files.createDirectories(box.resolve("test-lib"));
    Files.copy(Path.of("gpu"), box.resolve("bench/gpu"));
  }

  /** A Java that checks kernels with {@code kernels} and trains, but dies with DoRA. */
  private void java(String kernels) throws IOException {
    script(
        "jdk/bin/java",
        """
        case "$*" in
          *CudaCheck*) %s ;;
          *"GpuRun train"*" dora "*) echo 'no "room"' >&2; exit 3 ;;
          *"GpuRun train"*) echo "a word before"; echo '{"who":"lorikeet"}' ;;
          *GpuReport*)
            for last in "$@"; do :; done
            cat "$here/work/lines.jsonl" "$here/work/machine.md" >"$last"
            ;;
        esac
        """
            .formatted(kernels)
            .replace("$here", box.toString()));
  }

  private void script(String file, String body) throws IOException {
    Path path = box.resolve(file);
    Files.createDirectories(path.resolve("..").normalize());
    Files.writeString(path, "#!/bin/sh\n" + body);
    assertTrue(path.toFile().setExecutable(true));
  }

  private Result gpu(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("sh", box.resolve("bench/gpu").toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    String path = box.resolve("tools") + ":" + System.getenv("PATH");
    builder.environment().put("PATH", path);
    Process process = builder.start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Result(process.waitFor(), text);
  }

  private String report() throws IOException {
    try (Stream<Path> files = Files.list(box.resolve("bench/results"))) {
      return Files.readString(files.findFirst().orElseThrow());
    }
  }

  @Test
  void everythingIsRunAndWhatDiedIsNamed() throws Exception {
    java("echo 'ok    one'; echo 'ok    two'; exit 0");
    script("tools/nvidia-smi", "echo 'NVIDIA H100, 81559 MiB, 580.1'\n");
    Result result =
        gpu(
            "run",
            "--shapes",
            "tiny",
            "--techniques",
            "lora dora full",
            "--rounds",
            "1",
            "--python",
            "");
    assertEquals(1, result.code, result.text);
    assertTrue(result.text.contains("lorikeet ended with status 3: no \"room\" ("), result.text);
    assertTrue(result.text.endsWith("under \"Not measured\".\n"), result.text);
    String report = report();
    assertEquals(2, report.split("\\{\"who\":\"lorikeet\"}\n", -1).length - 1, report);
    assertTrue(
        report.contains(
            "\"technique\":\"dora\",\"missing\":\"ended with status 3: no \\\"room\\\"\"}\n"),
        report);
    assertTrue(
        report.contains(
            "Command: bench/gpu run --device cuda --shapes \"tiny\" --techniques \"lora dora full\""),
        report);
    assertTrue(report.contains("# Lorikeet on NVIDIA H100, 81559 MiB, 580.1, 20"), report);
    assertTrue(
        report.contains("CUDA kernels (gpu): 2 cases agree with their reference, 0 do not."),
        report);
  }

  @Test
  void kernelThatDiffersFailsTheRun() throws Exception {
    java("echo 'ok    one'; echo 'FAIL  rope: error'; exit 1");
    script("tools/nvidia-smi", "echo 'NVIDIA H100, 81559 MiB, 580.1'\n");
    Result result =
        gpu("run", "--shapes", "tiny", "--techniques", "lora", "--rounds", "1", "--python", "");
    assertEquals(1, result.code, result.text);
    assertTrue(report().contains("FAIL  rope: error"), report());
  }

  @Test
  void mistakesAreToldInOneSentence() throws Exception {
    script("tools/nvidia-smi", "exit 9\n");
    assertEquals(
        "error: run works in the folder that bench/gpu pack made; there is no "
            + box.toRealPath().resolve("jdk.\n"),
        gpu("run").text);
    java("exit 0");
    assertEquals(
        "error: nvidia-smi shows no GPU. --device cpu makes a dry run of this script.\n",
        gpu("run").text);
    assertEquals("error: --device is cuda or cpu, not tpu.\n", gpu("run", "--device", "tpu").text);
    assertEquals("error: --steps needs a value.\n", gpu("run", "--steps").text);
    assertEquals(1, gpu("run", "--all").code);
    assertEquals(1, gpu().code);
  }
}
