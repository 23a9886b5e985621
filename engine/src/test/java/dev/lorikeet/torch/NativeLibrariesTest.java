package dev.lorikeet.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.fixture.JavaProcess;
import dev.lorikeet.fixture.TinyLlama;
import dev.lorikeet.fixture.TinyLlama.Training;
import dev.lorikeet.nn.PassOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a fresh JVM loads: asked in one of its own, because other tests load libtorch here. */
@Tag("native")
final class NativeLibrariesTest {
  private static final Path MAPS = Path.of("/proc/self/maps");

  /** Trains on the device of the first argument, prints what is mapped, and leaves it open. */
  public static void main(String[] arguments) throws IOException {
    Device device = arguments[0].equals("cpu") ? Device.cpu(2) : Device.shapeOnly(2);
    TinyLlama llama = new TinyLlama(device, Training.LORA, 0.1);
    llama.forwardAndBackward(new PassOptions(Optional.empty(), TinyLlama.dropout(), false));
    for (String line : Files.readAllLines(MAPS)) {
      if (line.contains("torch") || line.contains("openblas") || line.contains("jnijavacpp")) {
        System.out.println(line.substring(line.lastIndexOf('/') + 1));
      }
    }
    System.out.println("trained, peak " + device.memory().peakBytes());
  }

  @Test
  void trainingOnTheCpuLoadsOpenBlasButNotLibtorch() throws IOException, InterruptedException {
    List<String> lines = run("cpu");
    assertTrue(lines.stream().anyMatch(line -> line.contains("openblas")), lines.toString());
    assertEquals(List.of(), lines.stream().filter(line -> line.contains("torch")).toList());
  }

  @Test
  void planningLoadsNoNativeLibrary() throws IOException, InterruptedException {
    List<String> lines = run("shapes");
    assertEquals(1, lines.size(), lines.toString());
  }

  /** The program ends although nobody closed the device: idle workers do not keep it alive. */
  private static List<String> run(String device) throws IOException, InterruptedException {
    Assumptions.assumeTrue(Files.exists(MAPS), "/proc tells what is mapped");
    Path output = Files.createTempFile("lorikeet-libraries", ".txt");
    try {
      Process process =
          JavaProcess.of(NativeLibrariesTest.class, List.of("-Xmx256m"), device)
              .redirectErrorStream(true)
              .redirectOutput(output.toFile())
              .start();
      boolean ended = process.waitFor(60, TimeUnit.SECONDS);
      process.destroyForcibly();
      List<String> lines = Files.readAllLines(output);
      assertTrue(ended, "the program does not end: " + lines);
      assertEquals(0, process.exitValue(), lines.toString());
      assertTrue(lines.getLast().startsWith("trained, peak"), lines.toString());
      // The JVM's own remarks: incubating modules, options taken from the environment.
      return lines.stream()
          .filter(line -> !line.startsWith("WARNING") && !line.startsWith("NOTE"))
          .toList();
    } finally {
      Files.delete(output);
    }
  }
}
