package dev.lorikeet.train;

import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.torch.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Workers that are threads of one process, each with its own tensors. A worker that does not come
 * within the patience breaks the group for all, instead of leaving the others waiting.
 */
public final class InProcessCollective implements Collective {
  private static final long PATIENCE_SECONDS = 600;

  private final Group group;
  private final int rank;

  private InProcessCollective(Group group, int rank) {
    this.group = group;
    this.rank = rank;
  }

  /** The handles of {@code size} workers. */
  public static List<Collective> of(int size) {
    Group group = new Group(size);
    List<Collective> workers = new ArrayList<>();
    for (int rank = 0; rank < size; rank++) {
      workers.add(new InProcessCollective(group, rank));
    }
    return workers;
  }

  private static final class Group {
    final List<List<Tensor>> tensors = new ArrayList<>();
    final List<double[]> values = new ArrayList<>();
    final CyclicBarrier barrier;

    Group(int size) {
      barrier = new CyclicBarrier(size);
      for (int rank = 0; rank < size; rank++) {
        tensors.add(List.of());
        values.add(new double[0]);
      }
    }

    void meet() {
      try {
        barrier.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
      } catch (InterruptedException failure) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while waiting for the other workers", failure);
      } catch (BrokenBarrierException | TimeoutException failure) {
        throw new IllegalStateException("another worker of this process has stopped", failure);
      }
    }
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int size() {
    return group.tensors.size();
  }

  @Override
  public void sum(List<Tensor> tensors) {
    group.tensors.set(rank, tensors);
    group.meet();
    List<Tensor> first = group.tensors.getFirst();
    if (rank == 0) {
      for (int other = 1; other < size(); other++) {
        List<Tensor> theirs = group.tensors.get(other);
        for (int i = 0; i < first.size(); i++) {
          Kernels.of(first.get(i).device()).add(theirs.get(i), first.get(i));
        }
      }
    }
    group.meet();
    if (rank != 0) {
      for (int i = 0; i < tensors.size(); i++) {
        tensors.get(i).copyFrom(first.get(i));
      }
    }
    group.meet();
  }

  @Override
  public double[] sum(double... values) {
    group.values.set(rank, values.clone());
    group.meet();
    double[] total = new double[values.length];
    for (double[] theirs : group.values) {
      for (int i = 0; i < total.length; i++) {
        total[i] += theirs[i];
      }
    }
    group.meet();
    return total;
  }
}
