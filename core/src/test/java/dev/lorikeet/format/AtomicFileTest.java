package dev.lorikeet.format;

import static dev.lorikeet.format.Fixtures.assertSays;
import static dev.lorikeet.format.Fixtures.names;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.lorikeet.error.DataException;
import dev.lorikeet.error.RunException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AtomicFileTest {
  @TempDir private Path folder;

  @Test
  void contentAppearsUnderTheTargetNameOnly() throws IOException {
    AtomicFile.write(folder.resolve("a.txt"), stream -> stream.write(new byte[] {1, 2, 3}));
    assertEquals(List.of("a.txt"), names(folder));
    assertEquals(3, Files.size(folder.resolve("a.txt")));
  }

  @Test
  void anExistingFileIsReplacedAsAWhole() throws IOException {
    Path target = Fixtures.write(folder.resolve("a.txt"), "a much longer old text");
    AtomicFile.writeString(target, "neu ä");
    assertEquals("neu ä", Files.readString(target));
    assertEquals(List.of("a.txt"), names(folder));
  }

  @Test
  void theOldFileIsUntouchedWhileTheNewOneIsWritten() throws IOException {
    Path target = Fixtures.write(folder.resolve("a.txt"), "old");
    AtomicFile.writeChannel(
        target,
        channel -> {
          channel.write(ByteBuffer.wrap(new byte[100]));
          assertEquals("old", Files.readString(target));
        });
    assertEquals(100, Files.size(target));
  }

  @Test
  void permissionsAreThoseOfAnyNewFile() throws IOException {
    assumeTrue(Files.getFileStore(folder).supportsFileAttributeView("posix"), "needs POSIX");
    Path plain = Fixtures.write(folder.resolve("plain"), "x");
    Path atomic = folder.resolve("atomic");
    AtomicFile.writeString(atomic, "x");
    assertEquals(Files.getPosixFilePermissions(plain), Files.getPosixFilePermissions(atomic));
  }

  @Test
  void aFullDiskKeepsTheOldFileAndLeavesNoOther() throws IOException {
    Path target = Fixtures.write(folder.resolve("adapter_model.safetensors"), "old");
    RunException failure =
        assertThrows(
            RunException.class,
            () ->
                AtomicFile.writeChannel(
                    target,
                    channel -> {
                      channel.write(ByteBuffer.wrap(new byte[2_500_000]));
                      throw new IOException("No space left on device");
                    }));
    assertSays(
        failure,
        "Could not write adapter_model.safetensors in " + folder,
        "No space left on device after 2.5 MB.",
        "MB are free there.",
        "The old file is unchanged.",
        "Free space there or choose another folder, then run again.");
    assertInstanceOf(IOException.class, failure.getCause());
    assertEquals("old", Files.readString(target));
    assertEquals(List.of("adapter_model.safetensors"), names(folder));
  }

  @Test
  void aFailedFirstWriteLeavesNothing() {
    RunException failure =
        assertThrows(
            RunException.class,
            () ->
                AtomicFile.write(
                    folder.resolve("new.bin"),
                    stream -> {
                      stream.write(7);
                      throw new IOException("Input/output error");
                    }));
    assertSays(failure, "Input/output error", "No file was left there.");
    assertEquals(List.of(), names(folder));
  }

  @Test
  void aFailureWrappedByALibraryCountsAsAFailedWrite() {
    RunException failure =
        assertThrows(
            RunException.class,
            () ->
                AtomicFile.write(
                    folder.resolve("a.json"),
                    stream -> {
                      throw new UncheckedIOException(new IOException("No space left on device"));
                    }));
    assertSays(failure, "Could not write a.json", "No space left on device");
    assertEquals(List.of(), names(folder));
  }

  @Test
  void otherFailuresOfTheBodyPassThroughAndKeepTheOldFile() throws IOException {
    Path target = Fixtures.write(folder.resolve("a.txt"), "old");
    DataException thrown = new DataException("line 3", new IOException("gone"));
    DataException caught =
        assertThrows(
            DataException.class,
            () ->
                AtomicFile.write(
                    target,
                    stream -> {
                      throw thrown;
                    }));
    assertSame(thrown, caught);
    assertThrows(
        StackOverflowError.class,
        () ->
            AtomicFile.write(
                target,
                stream -> {
                  throw new StackOverflowError();
                }));
    assertEquals("old", Files.readString(target));
    assertEquals(List.of("a.txt"), names(folder));
  }

  @Test
  void aMissingFolderIsNamed() {
    Path target = folder.resolve("missing/a.txt");
    RunException failure =
        assertThrows(RunException.class, () -> AtomicFile.writeString(target, "x"));
    assertSays(
        failure,
        "Could not write a.txt in " + folder.resolve("missing"),
        "the folder does not exist",
        "Create the folder");
  }

  @Test
  void aFolderIsNotReplaced() throws IOException {
    Path target = Files.createDirectory(folder.resolve("taken"));
    RunException failure =
        assertThrows(RunException.class, () -> AtomicFile.writeString(target, "x"));
    assertSays(failure, "Could not write " + target, "it is a folder", "Choose a file name");
    assertTrue(Files.isDirectory(target));
    assertEquals(List.of("taken"), names(folder));
  }

  @Test
  void aLeftoverOfAKilledProcessDoesNotStandInTheWay() throws IOException {
    String leftover =
        ".a.txt.%d-%d.tmp"
            .formatted(ProcessHandle.current().pid(), Thread.currentThread().threadId());
    Fixtures.write(folder.resolve(leftover), "half");
    AtomicFile.writeString(folder.resolve("a.txt"), "new");
    assertEquals("new", Files.readString(folder.resolve("a.txt")));
    assertEquals(List.of(leftover, "a.txt"), names(folder));
  }

  @Test
  void anInterruptedThreadKeepsTheOldFile() throws IOException {
    Path target = Fixtures.write(folder.resolve("a.txt"), "old");
    Thread.currentThread().interrupt();
    RunException failure =
        assertThrows(RunException.class, () -> AtomicFile.writeString(target, "new"));
    assertTrue(Thread.interrupted());
    assertSays(failure, "the writing thread was interrupted", "The old file is unchanged.");
    assertEquals("old", Files.readString(target));
    assertEquals(List.of("a.txt"), names(folder));
  }

  /** A real file system of 1 MB; needs the right to mount one. */
  @Test
  @Tag("slow")
  void aReallyFullFileSystemKeepsTheOldFile() throws Exception {
    Path small = Files.createDirectory(folder.resolve("small"));
    assumeTrue(
        run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small.toString()),
        "mounting a small tmpfs is not permitted here");
    try {
      Path target = small.resolve("model.safetensors");
      AtomicFile.writeString(target, "old");
      RunException failure =
          assertThrows(
              RunException.class,
              () -> AtomicFile.write(target, stream -> stream.write(new byte[4 << 20])));
      assertSays(
          failure,
          "Could not write model.safetensors in " + small,
          "No space left on device after 1.0 MB. 1.0 MB are free there. The old file is unchanged.");
      assertEquals("old", Files.readString(target));
      assertEquals(List.of("model.safetensors"), names(small));
    } finally {
      assertTrue(run("umount", small.toString()), "umount " + small);
    }
    assertFalse(Files.exists(small.resolve("model.safetensors")));
  }

  private static boolean run(String... command) throws InterruptedException {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getInputStream().readAllBytes();
      return process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0;
    } catch (IOException absent) {
      return false;
    }
  }
}
