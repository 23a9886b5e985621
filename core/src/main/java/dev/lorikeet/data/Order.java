package dev.lorikeet.data;

/** Order in which an epoch visits the examples. */
public enum Order {
  /** Each epoch has a permutation of its own, drawn from the seed. */
  SHUFFLED,
  /** As in the source. */
  SOURCE
}
