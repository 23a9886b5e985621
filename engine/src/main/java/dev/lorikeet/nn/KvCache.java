package dev.lorikeet.nn;

import dev.lorikeet.kernel.AttentionShape;
import dev.lorikeet.kernel.Segments;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Keys and values of the tokens seen so far, for several sequences at once: one slot a sequence,
 * each with room for {@code capacity} tokens. Owns its memory.
 */
public final class KvCache implements AutoCloseable {
  private final List<Tensor> keys = new ArrayList<>();
  private final List<Tensor> values = new ArrayList<>();
  private final int capacity;
  private final int[] lengths;
  private int[] slots;

  /** Empty slots for every layer: {@code slots · capacity · kvHeads · headDim} floats, twice. */
  public KvCache(Device device, AttentionShape shape, int layers, int slots, int capacity) {
    this.capacity = capacity;
    lengths = new int[slots];
    this.slots = new int[0];
    long width = (long) shape.kvHeads() * shape.headDim();
    try {
      for (int layer = 0; layer < layers; layer++) {
        keys.add(device.floats((long) slots * capacity, width));
        values.add(device.floats((long) slots * capacity, width));
      }
    } catch (RuntimeException failure) {
      close();
      throw failure;
    }
  }

  /** Tokens that slot {@code slot} holds. */
  public int length(int slot) {
    return lengths[slot];
  }

  /** Forgets what slot {@code slot} holds. */
  public void clear(int slot) {
    lengths[slot] = 0;
  }

  /** Tokens that a slot can hold. */
  public int capacity() {
    return capacity;
  }

  /**
   * Says which slots the next pass continues, and by how many tokens each; {@link #advance} ends
   * it.
   *
   * @return the pass' tokens: the segments ask over the cached rows
   */
  public Sequences next(int[] tokens, int[] slotOfSequence, int[] tokenCounts) {
    int count = slotOfSequence.length;
    if (Arrays.stream(slotOfSequence).distinct().count() != count
        || Arrays.stream(tokenCounts).sum() != tokens.length) {
      throw new IllegalStateException(
          "%d tokens, counts %s, for the slots %s: a slot may continue once in a pass"
              .formatted(
                  tokens.length, Arrays.toString(tokenCounts), Arrays.toString(slotOfSequence)));
    }
    int[] queryStart = new int[count];
    int[] keyStart = new int[count];
    int[] keyLength = new int[count];
    int[] positions = new int[tokens.length];
    int at = 0;
    for (int s = 0; s < count; s++) {
      int slot = slotOfSequence[s];
      int past = lengths[slot];
      if (past + tokenCounts[s] > capacity) {
        throw new IllegalStateException(
            past + " + " + tokenCounts[s] + " tokens in a cache of " + capacity);
      }
      queryStart[s] = at;
      keyStart[s] = slot * capacity;
      keyLength[s] = past + tokenCounts[s];
      for (int i = 0; i < tokenCounts[s]; i++) {
        positions[at++] = past + i;
      }
    }
    slots = slotOfSequence.clone();
    long[] exampleIds = Arrays.stream(slotOfSequence).asLongStream().toArray();
    return new Sequences(
        tokens, positions, new Segments(queryStart, tokenCounts, keyStart, keyLength), exampleIds);
  }

  /** Writes the pass' new keys and values [T, kvHeads·D] of one layer behind the old ones. */
  void append(int layer, Segments segments, Tensor newKeys, Tensor newValues) {
    copyRows(segments, newKeys, keys.get(layer));
    copyRows(segments, newValues, values.get(layer));
  }

  private void copyRows(Segments segments, Tensor from, Tensor to) {
    for (int s = 0; s < segments.count(); s++) {
      int count = segments.queryLength(s);
      long target = (long) segments.keyStart(s) + segments.keyLength(s) - count;
      try (Tensor source = from.rows(segments.queryStart(s), count);
          Tensor place = to.rows(target, count)) {
        place.copyFrom(source);
      }
    }
  }

  /** All rows of a layer's keys. */
  Tensor keys(int layer) {
    return keys.get(layer);
  }

  /** All rows of a layer's values. */
  Tensor values(int layer) {
    return values.get(layer);
  }

  /** The pass is through: its tokens are part of the past. */
  public void advance(Sequences pass) {
    for (int s = 0; s < slots.length; s++) {
      lengths[slots[s]] = pass.segments().keyLength(s);
    }
    slots = new int[0];
  }

  @Override
  public void close() {
    keys.forEach(Tensor::close);
    values.forEach(Tensor::close);
  }
}
