package dev.lorikeet.nn;

import java.util.Optional;

/**
 * What a pass reads besides its tokens.
 *
 * @param cache keys and values of earlier tokens, for generation
 * @param dropout where masks come from, for training with dropout
 * @param recompute whether blocks are run again on the way back instead of keeping their insides
 */
public record PassOptions(
    Optional<KvCache> cache, Optional<DropoutKeys> dropout, boolean recompute) {

  /** No cache, no dropout, nothing recomputed. */
  public static PassOptions none() {
    return new PassOptions(Optional.empty(), Optional.empty(), false);
  }

  /** Generation over {@code cache}. */
  public static PassOptions cached(KvCache cache) {
    return new PassOptions(Optional.of(cache), Optional.empty(), false);
  }
}
