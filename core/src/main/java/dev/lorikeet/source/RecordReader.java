package dev.lorikeet.source;

import dev.lorikeet.error.DataException;
import java.util.Optional;

/** Reads the records of a file in their order, one at a time. */
public interface RecordReader extends AutoCloseable {
  /** Largest record in bytes or characters, so that a damaged file cannot take all memory. */
  int LARGEST_RECORD = 32 << 20;

  /**
   * The next record; empty at the end.
   *
   * @throws DataException for a record that cannot be read: names file, line and what is wrong
   */
  Optional<SourceRecord> next();

  /** Whether reading can go on with the record behind one that could not be read. */
  boolean canGoOn();

  @Override
  void close();

  /** A record beyond {@link #LARGEST_RECORD}; {@code where} is file and place. */
  static DataException tooLarge(String where) {
    return new DataException(
        where
            + ": the record is larger than "
            + (LARGEST_RECORD >> 20)
            + " MB, the most that is read at once; cut it into several records, or save it as a"
            + " text file");
  }
}
