package dev.lorikeet.torch;

import dev.lorikeet.torch.Device.RangeTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Splits loops over a fixed number of threads. The ranges depend only on the loop's length, its
 * grain and the number of threads, never on timing, so results repeat bit for bit.
 *
 * <p>The calling thread does the first range, and then every range that its worker has not begun:
 * where other processes keep the cores busy a worker may not get one for milliseconds, which is
 * longer than most loops take. A second caller at the same time (another rank in this process) does
 * all its ranges itself, one after the other: same ranges, same results.
 */
final class Workers implements AutoCloseable {
  /** How long an idle worker watches for work before it sleeps: a few operations' distance. */
  private static final int SPINS = 20_000;

  private static final long NAP_NANOS = 50_000;

  private final int threads;
  private final Worker[] workers;
  private final ReentrantLock busy = new ReentrantLock();
  private volatile boolean closed;

  Workers(int threads) {
    this.threads = threads;
    workers = new Worker[threads - 1];
    for (int i = 0; i < workers.length; i++) {
      workers[i] = new Worker("lorikeet-worker-" + (i + 1));
      workers[i].start();
    }
  }

  int threads() {
    return threads;
  }

  /** Runs {@code task} over {@code 0 … count − 1}; ranges begin at multiples of {@code grain}. */
  void forRange(int count, int grain, RangeTask task) {
    if (closed) {
      throw new IllegalStateException("work for a device that is closed");
    }
    int units = Math.ceilDiv(count, grain);
    int parts = Math.min(threads, units);
    if (parts <= 1) {
      if (count > 0) {
        task.run(0, count);
      }
      return;
    }
    if (busy.isHeldByCurrentThread() || !busy.tryLock()) {
      for (int part = 0; part < parts; part++) {
        runPart(count, grain, units, part, parts, task);
      }
      return;
    }
    try {
      share(count, grain, units, parts, task);
    } finally {
      busy.unlock();
    }
  }

  private void share(int count, int grain, int units, int parts, RangeTask task) {
    for (int part = 1; part < parts; part++) {
      int mine = part;
      workers[part - 1].submit(() -> runPart(count, grain, units, mine, parts, task));
    }
    Throwable failure = null;
    try {
      runPart(count, grain, units, 0, parts, task);
    } catch (RuntimeException | Error e) {
      failure = e;
    }
    for (int part = 1; part < parts; part++) {
      Throwable theirs = workers[part - 1].finishTask();
      failure = failure == null ? theirs : failure;
    }
    if (failure instanceof RuntimeException e) {
      throw e;
    }
    if (failure instanceof Error e) {
      throw e;
    }
  }

  private static void runPart(
      int count, int grain, int units, int part, int parts, RangeTask task) {
    int from = Math.toIntExact((long) units * part / parts * grain);
    int to = (int) Math.min(count, (long) units * (part + 1) / parts * grain);
    if (from < to) {
      task.run(from, to);
    }
  }

  @Override
  public void close() {
    closed = true;
    for (Worker worker : workers) {
      worker.finish();
    }
  }

  /** A thread with room for one task, which whoever takes it from READY runs. */
  private static final class Worker extends Thread {
    private static final int IDLE = 0;
    private static final int READY = 1;
    private static final int RUNNING = 2;
    private static final int DONE = 3;
    private static final int FINISHED = 4;

    private final AtomicInteger state = new AtomicInteger(IDLE);
    private @Nullable Runnable task;
    private @Nullable Throwable failure;

    Worker(String name) {
      super(name);
      setDaemon(true);
    }

    void submit(Runnable newTask) {
      task = newTask;
      failure = null;
      state.set(READY);
      LockSupport.unpark(this);
    }

    /** Waits for the task, or runs it here if this thread has not begun; what it failed with. */
    @Nullable Throwable finishTask() {
      if (state.compareAndSet(READY, RUNNING)) {
        runTask();
      }
      for (int spins = 0; state.get() != DONE; spins++) {
        if (spins < SPINS) {
          Thread.onSpinWait();
        } else {
          // Other processes want the cores: the worker may be waiting for this very one.
          LockSupport.parkNanos(this, NAP_NANOS);
        }
      }
      state.set(IDLE);
      task = null;
      return failure;
    }

    void finish() {
      state.set(FINISHED);
      LockSupport.unpark(this);
    }

    @Override
    public void run() {
      int spins = 0;
      while (true) {
        int now = state.get();
        if (now == FINISHED) {
          return;
        }
        if (now == READY && state.compareAndSet(READY, RUNNING)) {
          runTask();
          spins = 0;
        } else if (spins < SPINS) {
          spins++;
          Thread.onSpinWait();
        } else {
          LockSupport.park(this);
        }
      }
    }

    private void runTask() {
      try {
        Runnable current = task;
        if (current != null) {
          current.run();
        }
      } catch (RuntimeException | Error e) {
        failure = e;
      }
      state.compareAndSet(RUNNING, DONE);
    }
  }
}
