package dev.lorikeet.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class ScratchFileTest {
  private static final int[] LENGTHS = {1, 13, 207, 65_535, 65_536, 65_537, 200_000};

  @TempDir private Path folder;

  @Test
  void piecesOfEveryLengthComeBackInOrderAndByPlace() throws IOException {
    long seed = Long.getLong("lorikeet.test.seed", 20261123);
    Random random = new Random(seed);
    String again = "mvn test -Dtest=ScratchFileTest -Dlorikeet.test.seed=" + seed;
    try (ScratchFile file = ScratchFile.in(folder)) {
      ScratchFile.Appender appender = file.appender();
      List<byte[]> pieces = new ArrayList<>();
      long bytes = 0;
      for (int i = 0; i < 60; i++) {
        byte[] piece = new byte[LENGTHS[random.nextInt(LENGTHS.length)]];
        random.nextBytes(piece);
        pieces.add(piece);
        appender.append(ByteBuffer.wrap(piece));
        bytes += piece.length;
      }
      assertEquals(bytes, appender.count());
      appender.flush();
      ScratchFile.Scanner scanner = file.scanner();
      long offset = 0;
      for (byte[] piece : pieces) {
        assertEquals(piece[0], scanner.peek(1).get(), again);
        assertArrayEquals(piece, array(scanner.next(piece.length)), again);
        ByteBuffer read = ByteBuffer.allocate(piece.length);
        file.read(read, offset);
        assertArrayEquals(piece, read.array(), again);
        offset += piece.length;
      }
      assertThrows(EOFException.class, () -> scanner.next(1));
      long end = offset;
      assertThrows(EOFException.class, () -> file.read(ByteBuffer.allocate(2), end - 1));
    }
  }

  /** So that not even a killed process leaves anything behind. */
  @Test
  @DisabledOnOs(OS.WINDOWS)
  void anOpenFileHasNoName() throws IOException {
    try (ScratchFile file = ScratchFile.in(folder)) {
      file.appender().flush();
      assertTrue(isEmpty());
    }
  }

  @Test
  void aClosedFileIsGone() throws IOException {
    ScratchFile file = ScratchFile.in(folder);
    file.close();
    assertTrue(isEmpty());
    assertThrows(ClosedChannelException.class, () -> file.read(ByteBuffer.allocate(1), 0));
  }

  /** The device takes nothing: every write finds the disk full. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void aFullDiskIsNoticedAtTheEndAtTheLatest() throws IOException {
    try (ScratchFile full =
        new ScratchFile(FileChannel.open(Path.of("/dev/full"), StandardOpenOption.WRITE))) {
      ScratchFile.Appender appender = full.appender();
      appender.append(1, 2, 3);
      assertEquals(16, appender.count());
      assertThrows(IOException.class, appender::flush);
    }
  }

  private boolean isEmpty() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.findAny().isEmpty();
    }
  }

  private static byte[] array(ByteBuffer bytes) {
    byte[] array = new byte[bytes.remaining()];
    bytes.get(array);
    return array;
  }
}
