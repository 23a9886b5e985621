package dev.lorikeet.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.RunException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("native")
final class BlockPoolTest {

  @Test
  void sizesAreRoundedUpByAtMostAnEighthOrALine() {
    for (long bytes = 0; bytes < 1 << 20; bytes += bytes < 5000 ? 1 : 997) {
      long block = BlockPool.blockBytes(bytes);
      assertTrue(block >= bytes && block % 64 == 0, bytes + " in " + block);
      assertTrue(block - bytes <= Math.max(64, bytes / 8), bytes + " in " + block);
      assertEquals(block, BlockPool.blockBytes(block), "a class is its own class");
      assertTrue(block <= BlockPool.blockBytes(bytes + 1), "larger blocks for more bytes");
    }
  }

  @Test
  void blocksAreAlignedApartAndWritableToTheEnd() {
    BlockPool pool = new BlockPool(1 << 20);
    long[] sizes = {0, 1, 63, 64, 65, 4096, 4097, 100_003};
    List<Long> addresses = new ArrayList<>();
    for (int i = 0; i < sizes.length; i++) {
      long address = pool.allocate(sizes[i]);
      assertEquals(0, address % 64, sizes[i] + " bytes");
      block(address, sizes[i]).fill((byte) (i + 1));
      addresses.add(address);
    }
    for (int i = 0; i < sizes.length; i++) {
      int mine = i + 1;
      block(addresses.get(i), sizes[i])
          .elements(ValueLayout.JAVA_BYTE)
          .forEach(b -> assertEquals(mine, b.get(ValueLayout.JAVA_BYTE, 0)));
      pool.release(addresses.get(i), sizes[i]);
    }
    pool.trim();
  }

  private static MemorySegment block(long address, long bytes) {
    return MemorySegment.ofAddress(address).reinterpret(BlockPool.blockBytes(bytes));
  }

  @Test
  void freedBlocksServeTheSameClassAgain() {
    BlockPool pool = new BlockPool(1 << 20);
    long first = pool.allocate(1000);
    long second = pool.allocate(1000);
    assertNotEquals(first, second);
    pool.release(first, 1000);
    assertEquals(first, pool.allocate(1001), "1000 and 1001 bytes are of one class");
    pool.release(first, 1001);
    long other = pool.allocate(5000);
    assertNotEquals(first, other, "a block of another class");
    assertEquals(first, pool.allocate(1000));
    for (long address : new long[] {first, second}) {
      pool.release(address, 1000);
    }
    pool.release(other, 5000);
    pool.trim();
  }

  @Test
  void noMoreThanTheLimitIsKept() {
    BlockPool pool = new BlockPool(4096);
    Set<Long> given = new HashSet<>();
    for (int i = 0; i < 3; i++) {
      given.add(pool.allocate(2048));
    }
    given.forEach(address -> pool.release(address, 2048));
    assertEquals(4096, pool.idleBytes());
    pool.trim();
    assertEquals(0, pool.idleBytes());
  }

  @Test
  void refusedMemoryIsAMessageNotACrash() {
    BlockPool pool = new BlockPool(0);
    long tooMuch = 1L << 60;
    RunException refusal = assertThrows(RunException.class, () -> pool.allocate(tooMuch));
    String message = String.valueOf(refusal.getMessage());
    assertTrue(message.startsWith("out of memory: the system refused " + tooMuch), message);
    assertTrue(message.contains("micro_batch"), message);
  }

  @Test
  void refusedMemoryIsNotInTheBooks() {
    try (Device device = Device.cpu(1)) {
      assertThrows(RunException.class, () -> device.floats(1L << 58));
      assertEquals(0, device.memory().currentBytes());
      assertEquals(0, device.memory().peakBytes());
      assertEquals(0, device.memory().allocations());
    }
  }
}
