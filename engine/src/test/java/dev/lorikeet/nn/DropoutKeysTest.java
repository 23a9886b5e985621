package dev.lorikeet.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.lorikeet.kernel.Segments;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("native")
final class DropoutKeysTest {
  private static final int[] LENGTHS = {7, 1, 13};
  private static final long[] EXAMPLES = {40, 41, 42};

  @Test
  void keysDoNotDependOnPacking() {
    DropoutKeys keys = new DropoutKeys(42, 3);
    int[] together = keys(keys, "q_proj", 0, 1, 2);
    int[] reversed = keys(keys, "q_proj", 2, 1, 0);
    for (int example = 0; example < 3; example++) {
      int[] alone = keys(keys, "q_proj", example);
      int start = Arrays.stream(LENGTHS, 0, example).sum();
      int end = start + LENGTHS[example];
      assertArrayEquals(alone, Arrays.copyOfRange(together, start, end), "packed " + example);
      int behind = Arrays.stream(LENGTHS, example + 1, 3).sum();
      int[] turned = Arrays.copyOfRange(reversed, behind, behind + LENGTHS[example]);
      assertArrayEquals(alone, turned, "in another order " + example);
    }
  }

  @Test
  void keysDifferByEverythingElse() {
    int[] reference = keys(new DropoutKeys(42, 3), "q_proj", 0);
    assertNotSame(reference, keys(new DropoutKeys(43, 3), "q_proj", 0));
    assertNotSame(reference, keys(new DropoutKeys(42, 4), "q_proj", 0));
    assertNotSame(reference, keys(new DropoutKeys(42, 3), "k_proj", 0));
    Set<Integer> all = new HashSet<>();
    for (int key : keys(new DropoutKeys(42, 3), "q_proj", 0, 1, 2)) {
      all.add(key);
    }
    assertEquals(21, all.size(), "every row has a key of its own");
  }

  private static void assertNotSame(int[] reference, int[] other) {
    for (int i = 0; i < reference.length; i++) {
      assertNotEquals(reference[i], other[i], "row " + i);
    }
  }

  private static int[] keys(DropoutKeys keys, String module, int... examples) {
    int[] starts = new int[examples.length];
    int[] lengths = new int[examples.length];
    long[] ids = new long[examples.length];
    int total = 0;
    for (int s = 0; s < examples.length; s++) {
      starts[s] = total;
      lengths[s] = LENGTHS[examples[s]];
      ids[s] = EXAMPLES[examples[s]];
      total += lengths[s];
    }
    int[] positions = new int[total];
    for (int s = 0; s < starts.length; s++) {
      for (int i = 0; i < lengths[s]; i++) {
        positions[starts[s] + i] = i;
      }
    }
    Sequences sequences =
        new Sequences(new int[total], positions, Segments.packed(starts, lengths), ids);
    try (Device device = Device.cpu(1);
        Tensor rowKeys = keys.rowKeys(device, sequences, module)) {
      return rowKeys.segment().toArray(ValueLayout.JAVA_INT);
    }
  }
}
