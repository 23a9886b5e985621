package dev.lorikeet.data;

import dev.lorikeet.config.DataSettings.Format;
import dev.lorikeet.source.FileHash;
import java.util.Optional;

/** Where a {@link SampleReader} has its samples from. */
sealed interface SampleInput extends AutoCloseable
    permits RecordInput, TextInput.File, TextInput.Folder {
  /** The next sample; empty at the end. */
  Optional<Sample> next();

  Format format();

  ReadFindings findings();

  /** Share that is read, 0 to 1. */
  double shareRead();

  /** Reads what is left. */
  FileHash hash();

  @Override
  void close();
}
