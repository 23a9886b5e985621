package dev.lorikeet.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.RunException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFolderTest {
  @TempDir Path temp;

  private Path target() {
    return temp.resolve("step-3");
  }

  private void write(String text) {
    AtomicFolder.write(
        target(),
        folder -> {
          Files.createDirectory(folder.resolve("inner"));
          Files.writeString(folder.resolve("inner/weights.bin"), text);
          Files.writeString(folder.resolve("state.json"), "{}");
        });
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(temp)) {
      return files.map(file -> temp.relativize(file).toString()).sorted().toList();
    }
  }

  @Test
  void whatWasWrittenIsWholeAndHasTheSumsOfSha256sum() throws IOException {
    write("abc");

    assertEquals(Optional.empty(), AtomicFolder.damage(target()));
    assertEquals(List.of("step-3"), names());
    // The hash of "abc" in FIPS 180-2, appendix B.1.
    assertTrue(
        Files.readString(target().resolve("SHA256SUMS"))
            .startsWith(
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
                    + "  inner/weights.bin\n"));
  }

  @Test
  void anOldFolderIsReplacedAsAWhole() throws IOException {
    write("old");
    Files.writeString(target().resolve("stray"), "");
    write("new");

    assertEquals(Optional.empty(), AtomicFolder.damage(target()));
    assertEquals("new", Files.readString(target().resolve("inner/weights.bin")));
    assertEquals(List.of("step-3"), names());
  }

  @Test
  void aBodyThatFailsLeavesTheOldFolder() {
    write("old");

    RunException failure =
        assertThrows(
            RunException.class,
            () ->
                AtomicFolder.write(
                    target(),
                    folder -> {
                      throw new IOException("no space left");
                    }));

    assertTrue(failure.getMessage().contains("no space left"), failure.getMessage());
    assertEquals(Optional.empty(), AtomicFolder.damage(target()));
  }

  @Test
  void everyKindOfDamageIsNamed() throws IOException {
    Path file = target().resolve("inner/weights.bin");
    write("weights");
    Files.writeString(file, "weightz");
    assertDamage("inner/weights.bin (7 bytes) is not what was written");
    Files.writeString(file, "weigh");
    assertDamage("inner/weights.bin (5 bytes) is not what was written");
    Files.delete(file);
    assertDamage("inner/weights.bin is missing");
    write("weights");
    Files.writeString(target().resolve("more"), "");
    assertDamage("more does not belong there");
    Files.writeString(target().resolve("SHA256SUMS"), "nonsense\n");
    assertDamage("SHA256SUMS is damaged");
    Files.delete(target().resolve("SHA256SUMS"));
    assertDamage("SHA256SUMS is missing");
  }

  private void assertDamage(String expected) {
    assertEquals(Optional.of(expected), AtomicFolder.damage(target()));
  }

  @Test
  void tidyRemovesWhatKilledProcessesLeftAndNothingElse() throws IOException {
    write("kept");
    Files.createDirectories(temp.resolve(".step-4.17.tmp/adapter"));
    Files.writeString(temp.resolve(".step-4.17.tmp/adapter/half"), "");
    Files.writeString(temp.resolve(".metrics.jsonl.17-1.tmp"), "");
    Files.writeString(temp.resolve(".hidden"), "");

    AtomicFolder.tidy(temp);

    assertEquals(List.of(".hidden", "step-3"), names());
    assertFalse(Files.exists(temp.resolve(".step-4.17.tmp")));
  }

  @Test
  void removingAnAbsentFolderIsNothing() throws IOException {
    AtomicFolder.remove(target());
    write("x");
    AtomicFolder.remove(target());
    assertEquals(List.of(), names());
  }
}
