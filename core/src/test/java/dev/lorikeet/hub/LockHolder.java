package dev.lorikeet.hub;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** A process of its own that takes a lock, says so, and keeps it until it is ended. */
final class LockHolder {
  private LockHolder() {}

  public static void main(String[] args) throws Exception {
    try (BlobLock _ = BlobLock.tryTake(Path.of(args[0])).orElseThrow()) {
      System.out.print('!');
      System.out.flush();
      TimeUnit.MINUTES.sleep(2);
    }
  }
}
