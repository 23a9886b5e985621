package dev.lorikeet.hub;

/** Hears how a download goes; from several threads, one at a time. */
public interface HubListener {

  /**
   * What will be fetched is known.
   *
   * @param files that are not in the cache yet
   * @param bytes that are still to come
   */
  default void planned(int files, long bytes) {}

  /**
   * Bytes came, or had to be dropped.
   *
   * @param done bytes of the planned ones that are on the disk
   */
  default void advanced(long done, long planned) {}

  /** Something takes longer than it should: a server asks to wait, a connection was cut. */
  default void notice(String text) {}

  /** Hears nothing. */
  static HubListener silent() {
    return new HubListener() {};
  }
}
