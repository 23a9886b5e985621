package dev.lorikeet.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A hang is a failure: the tests run on a thread that can be given up. */
@Timeout(value = 60, threadMode = ThreadMode.SEPARATE_THREAD)
final class WorkersTest {

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8})
  void everyIndexIsDoneOnce(int threads) {
    try (Workers workers = new Workers(threads)) {
      for (int count : new int[] {0, 1, 2, 3, 7, 13, 64, 207, 1000, 4097}) {
        for (int grain : new int[] {1, 2, 8, 64, 4096, Integer.MAX_VALUE}) {
          AtomicIntegerArray done = new AtomicIntegerArray(count);
          List<String> wrong = new ArrayList<>();
          workers.forRange(
              count,
              grain,
              (from, to) -> {
                if (from % grain != 0 || from >= to) {
                  synchronized (wrong) {
                    wrong.add(from + " to " + to);
                  }
                }
                for (int i = from; i < to; i++) {
                  done.incrementAndGet(i);
                }
              });
          assertEquals(List.of(), wrong, "ranges of " + count + " by " + grain);
          for (int i = 0; i < count; i++) {
            assertEquals(1, done.get(i), "index " + i + " of " + count + " by " + grain);
          }
        }
      }
    }
  }

  @Test
  void rangesDoNotDependOnTiming() {
    try (Workers workers = new Workers(3)) {
      Set<String> first = ranges(workers);
      for (int i = 0; i < 200; i++) {
        assertEquals(first, ranges(workers));
      }
    }
  }

  private static Set<String> ranges(Workers workers) {
    Set<String> ranges = ConcurrentHashMap.newKeySet();
    workers.forRange(207, 8, (from, to) -> ranges.add(from + "-" + to));
    return ranges;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void anExceptionOfAnyWorkerSurfaces(int failing) {
    try (Workers workers = new Workers(3)) {
      AtomicInteger finished = new AtomicInteger();
      IllegalStateException failure =
          assertThrows(
              IllegalStateException.class,
              () ->
                  workers.forRange(
                      3,
                      1,
                      (from, to) -> {
                        if (from == failing) {
                          throw new IllegalStateException("part " + from);
                        }
                        finished.incrementAndGet();
                      }));
      assertEquals("part " + failing, failure.getMessage());
      assertEquals(2, finished.get(), "the others finish first");
      assertEquals(ranges(workers), ranges(workers), "and work goes on");
    }
  }

  @Test
  void anErrorSurfacesAsItself() {
    try (Workers workers = new Workers(2)) {
      assertThrows(
          StackOverflowError.class,
          () ->
              workers.forRange(
                  2,
                  1,
                  (from, to) -> {
                    if (from == 1) {
                      throw new StackOverflowError();
                    }
                  }));
    }
  }

  @Test
  void loopsInsideLoopsCoverEverything() {
    try (Workers workers = new Workers(3)) {
      AtomicIntegerArray done = new AtomicIntegerArray(30 * 30);
      workers.forRange(
          30,
          1,
          (from, to) -> {
            for (int i = from; i < to; i++) {
              int row = i * 30;
              workers.forRange(
                  30,
                  1,
                  (inner, end) -> {
                    for (int j = inner; j < end; j++) {
                      done.incrementAndGet(row + j);
                    }
                  });
            }
          });
      for (int i = 0; i < done.length(); i++) {
        assertEquals(1, done.get(i));
      }
    }
  }

  @Test
  void severalCallersAtOnceEachGetTheirOwnResult() throws InterruptedException {
    try (Workers workers = new Workers(2)) {
      int callers = 4;
      int[] sums = new int[callers];
      CountDownLatch start = new CountDownLatch(1);
      List<Thread> threads = new ArrayList<>();
      for (int caller = 0; caller < callers; caller++) {
        int mine = caller;
        threads.add(
            Thread.ofPlatform()
                .start(() -> {
                  awaitQuietly(start);
                  for (int round = 0; round < 500; round++) {
                    AtomicInteger sum = new AtomicInteger();
                    workers.forRange(100, 7, (from, to) -> sum.addAndGet(to - from));
                    sums[mine] += sum.get();
                  }
                }));
      }
      start.countDown();
      for (Thread thread : threads) {
        thread.join();
      }
      assertArrayEquals(new int[] {50_000, 50_000, 50_000, 50_000}, sums);
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void workersThatSleptWakeUp() throws InterruptedException {
    try (Workers workers = new Workers(2)) {
      ranges(workers);
      Thread.sleep(100); // long past the spinning
      assertEquals(ranges(workers), ranges(workers));
    }
  }

  @Test
  void closedWorkersEndAndRefuse() throws InterruptedException {
    Workers workers = new Workers(2);
    Set<Thread> seen = ConcurrentHashMap.newKeySet();
    CountDownLatch begun = new CountDownLatch(1);
    workers.forRange(
        2,
        1,
        (from, to) -> {
          seen.add(Thread.currentThread());
          if (from == 0) {
            // Otherwise the caller may be through before the worker begins, and do its range too.
            awaitQuietly(begun);
          } else {
            begun.countDown();
          }
        });
    seen.remove(Thread.currentThread());
    assertEquals(1, seen.size());
    Thread worker = seen.iterator().next();
    assertTrue(worker.isDaemon(), "an idle worker does not keep the program alive");
    workers.close();
    worker.join(10_000);
    assertTrue(!worker.isAlive(), "the worker ends");
    assertThrows(IllegalStateException.class, () -> workers.forRange(2, 1, (from, to) -> {}));
  }
}
