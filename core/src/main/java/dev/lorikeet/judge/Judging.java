package dev.lorikeet.judge;

import dev.lorikeet.error.LorikeetException;
import dev.lorikeet.error.RunException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/** Asks a judge about many things, some of them at a time. */
public final class Judging {
  private Judging() {}

  /**
   * The verdicts in the order of {@code questions}. When one fails no new one is begun; those under
   * way are waited for, so that a cache has their replies.
   *
   * @param atOnce questions under way at a time, at least 1
   * @throws RunException with the first failure's message and how far the judging came
   */
  public static <Q, V> List<V> all(List<Q> questions, int atOnce, Function<Q, V> judge) {
    Semaphore places = new Semaphore(Math.max(1, atOnce));
    AtomicInteger done = new AtomicInteger();
    AtomicInteger failed = new AtomicInteger();
    List<Future<V>> verdicts = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Q question : questions) {
        places.acquire();
        if (failed.get() > 0) {
          break;
        }
        verdicts.add(
            threads.submit(() -> {
              boolean answered = false;
              try {
                V verdict = judge.apply(question);
                answered = true;
                done.incrementAndGet();
                return verdict;
              } finally {
                if (!answered) {
                  failed.incrementAndGet();
                }
                places.release();
              }
            }));
      }
    } catch (InterruptedException stop) {
      Thread.currentThread().interrupt();
      throw new RunException("Judging was interrupted; run again to go on.", stop);
    }
    return collected(verdicts, done.get(), questions.size());
  }

  private static <V> List<V> collected(List<Future<V>> verdicts, int done, int all) {
    List<V> values = new ArrayList<>();
    for (Future<V> verdict : verdicts) {
      try {
        values.add(verdict.get());
      } catch (InterruptedException stop) {
        Thread.currentThread().interrupt();
        throw new RunException("Judging was interrupted; run again to go on.", stop);
      } catch (ExecutionException failure) {
        if (failure.getCause() instanceof LorikeetException told) {
          throw new RunException(
              "Judged %d of %d, then: %s".formatted(done, all, told.getMessage()), told);
        }
        throw new IllegalStateException("a judge failed", failure.getCause());
      }
    }
    return values;
  }
}
