package dev.lorikeet.torch;

/**
 * Random numbers that are a function of their coordinates: no state, so nothing depends on the
 * order or the thread in which they are asked for. The mixing function is SplitMix64's finaliser
 * (Steele, Lea and Flood 2014).
 *
 * @param seed of this stream
 */
public record Rng(long seed) {
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;
  private static final long FNV_OFFSET = 0xCBF29CE484222325L;
  private static final long FNV_PRIME = 0x100000001B3L;

  /** The stream of a named part of this one. */
  public Rng split(String name) {
    return new Rng(mix(seed, hash(name.getBytes(java.nio.charset.StandardCharsets.UTF_8))));
  }

  /** 64 random bits at {@code index}. */
  public long bits(long index) {
    return mix(seed, index);
  }

  /** Uniform in [0, 1) with 53 bits, at {@code index}. */
  public double uniform(long index) {
    return (bits(index) >>> 11) * 0x1.0p-53;
  }

  /** Standard normal at {@code index} (Box and Muller 1958). */
  public double gaussian(long index) {
    double radius = Math.sqrt(-2 * StrictMath.log(1 - uniform(2 * index)));
    return radius * StrictMath.cos(2 * Math.PI * uniform(2 * index + 1));
  }

  /** A well-mixed 64-bit function of two numbers. */
  public static long mix(long a, long b) {
    long z = finish(a + GOLDEN) ^ (b * GOLDEN + GOLDEN);
    return finish(z + GOLDEN);
  }

  /** 64-bit FNV-1a. */
  public static long hash(byte[] bytes) {
    long hash = FNV_OFFSET;
    for (byte b : bytes) {
      hash = (hash ^ (b & 0xFF)) * FNV_PRIME;
    }
    return hash;
  }

  private static long finish(long z) {
    long x = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    x = (x ^ (x >>> 27)) * 0x94D049BB133111EBL;
    return x ^ (x >>> 31);
  }
}
