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

/** A row's key is its own: who else is in the pass is not in it. */
@Tag("native")
final class DropoutKeysTest {
  private static final String MODULE = "model.layers.0.mlp.up_proj";
  private static final DropoutKeys KEYS = new DropoutKeys(42, 7);

  @Test
  void anExampleHasTheSameKeysWhereverItStands() {
    int[] alone = keys(KEYS, MODULE, packed(new long[] {9}, 5));
    int[] last = keys(KEYS, MODULE, packed(new long[] {3, 4, 9}, 2, 7, 5));
    int[] first = keys(KEYS, MODULE, packed(new long[] {9, 1}, 5, 3));
    assertArrayEquals(alone, Arrays.copyOfRange(last, 9, 14));
    assertArrayEquals(alone, Arrays.copyOfRange(first, 0, 5));
  }

  @Test
  void selectedRowsKeepTheirKeys() {
    Sequences whole = packed(new long[] {3, 4, 9}, 2, 7, 5);
    int[] rows = {1, 4, 8, 9, 13};
    int[] all = keys(KEYS, MODULE, whole);
    int[] expected = Arrays.stream(rows).map(row -> all[row]).toArray();
    assertArrayEquals(expected, keys(KEYS, MODULE, whole.select(rows)));
  }

  @Test
  void seedStepModuleExampleAndPositionAllCount() {
    Sequences sequences = packed(new long[] {5}, 64);
    Set<Integer> keys = new HashSet<>();
    add(keys, keys(KEYS, MODULE, sequences));
    add(keys, keys(new DropoutKeys(43, 7), MODULE, sequences));
    add(keys, keys(new DropoutKeys(42, 8), MODULE, sequences));
    add(keys, keys(KEYS, "model.layers.1.mlp.up_proj", sequences));
    add(keys, keys(KEYS, MODULE, packed(new long[] {6}, 64)));
    // 320 draws of 32 bits: two that are equal by chance have a probability of 1e-5.
    assertEquals(320, keys.size());
  }

  @Test
  void seedsAndStepsDoNotStandInForEachOther() {
    Sequences sequences = packed(new long[] {5}, 1);
    int one = keys(new DropoutKeys(1, 2), MODULE, sequences)[0];
    assertNotEquals(one, keys(new DropoutKeys(2, 1), MODULE, sequences)[0]);
    assertNotEquals(one, keys(new DropoutKeys(0, 3), MODULE, sequences)[0]);
  }

  private static void add(Set<Integer> all, int[] keys) {
    Arrays.stream(keys).forEach(all::add);
  }

  private static Sequences packed(long[] exampleIds, int... lengths) {
    int total = Arrays.stream(lengths).sum();
    int[] positions = new int[total];
    int[] starts = new int[lengths.length];
    int at = 0;
    for (int s = 0; s < lengths.length; s++) {
      starts[s] = at;
      for (int i = 0; i < lengths[s]; i++) {
        positions[at++] = i;
      }
    }
    return new Sequences(new int[total], positions, Segments.packed(starts, lengths), exampleIds);
  }

  private static int[] keys(DropoutKeys keys, String module, Sequences sequences) {
    try (Device device = Device.cpu(1);
        Tensor rowKeys = keys.rowKeys(device, sequences, module)) {
      return rowKeys.segment().toArray(ValueLayout.JAVA_INT);
    }
  }
}
