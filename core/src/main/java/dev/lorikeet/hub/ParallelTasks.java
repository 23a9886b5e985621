package dev.lorikeet.hub;

import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Runs tasks on some threads; the first failure ends the others. */
final class ParallelTasks {
  private ParallelTasks() {}

  /**
   * Comes back when no task runs any more.
   *
   * @throws IOException or another failure of the first task that failed
   */
  static void run(List<? extends Callable<Void>> tasks, int threads)
      throws IOException, InterruptedException {
    if (tasks.isEmpty()) {
      return;
    }
    try (ExecutorService pool =
        Executors.newFixedThreadPool(
            Math.min(threads, tasks.size()), Thread.ofPlatform().name("download-", 1).factory())) {
      ExecutorCompletionService<Void> running = new ExecutorCompletionService<>(pool);
      tasks.forEach(running::submit);
      try {
        for (int i = 0; i < tasks.size(); i++) {
          running.take().get();
        }
      } catch (ExecutionException failed) {
        pool.shutdownNow();
        throw unwrapped(Objects.requireNonNull(failed.getCause()));
      } catch (InterruptedException stopped) {
        pool.shutdownNow();
        throw stopped;
      }
    }
  }

  private static IOException unwrapped(Throwable cause) throws InterruptedException {
    return switch (cause) {
      case RuntimeException unchecked -> throw unchecked;
      case Error error -> throw error;
      case InterruptedException stopped -> throw stopped;
      case IOException io -> io;
      default -> new IOException(cause);
    };
  }
}
