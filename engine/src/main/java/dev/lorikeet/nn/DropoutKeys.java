package dev.lorikeet.nn;

import dev.lorikeet.kernel.Segments;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Rng;
import dev.lorikeet.torch.Tensor;
import java.nio.charset.StandardCharsets;

/**
 * Row keys of dropout masks: a hash of (seed, step, module, example, position). Neither packing nor
 * the size of a micro-batch nor the number of workers can change them.
 *
 * @param seed the run's seed
 * @param step the optimiser step, from 1
 */
public record DropoutKeys(long seed, long step) {

  /** int32 [T] for the rows of {@code sequences} in the module {@code name}; the caller owns it. */
  public Tensor rowKeys(Device device, Sequences sequences, String name) {
    long module = Rng.mix(seed, Rng.hash(name.getBytes(StandardCharsets.UTF_8)));
    long base = Rng.mix(module, step);
    int[] keys = new int[sequences.length()];
    Segments segments = sequences.segments();
    for (int s = 0; s < segments.count(); s++) {
      long example = Rng.mix(base, sequences.exampleId(s));
      int start = segments.queryStart(s);
      for (int i = start; i < start + segments.queryLength(s); i++) {
        keys[i] = (int) (Rng.mix(example, sequences.position(i)) >>> 32);
      }
    }
    return device.ints(keys);
  }
}
