package dev.lorikeet.kernel;

import static dev.lorikeet.kernel.VectorMath.FLOATS;
import static dev.lorikeet.kernel.VectorMath.LANES;
import static dev.lorikeet.kernel.VectorMath.get;
import static dev.lorikeet.kernel.VectorMath.load;
import static dev.lorikeet.kernel.VectorMath.set;
import static dev.lorikeet.kernel.VectorMath.store;

import dev.lorikeet.kernel.Kernels.AttentionTensors;
import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Device.Transpose;
import dev.lorikeet.torch.Tensor;
import java.util.concurrent.atomic.AtomicInteger;
import jdk.incubator.vector.FloatVector;

/**
 * Causal attention in blocks of queries, a task for every segment and key head.
 *
 * <p>A block holds the scores of {@value #BLOCK} queries against the keys that they can see: keys
 * behind the block are never multiplied, and memory is linear in the context. The backward pass
 * recomputes the probabilities P = e^(S − lse) from the kept logarithms (Dao et al. 2022, section
 * 3.1): dV = PᵀdO, dP = dO·Vᵀ, dS = P∘(dP − rowsum(dO∘O)), dQ = dS·K, dK = dSᵀ·Q.
 *
 * <p>Tasks write to disjoint places, so it does not matter which worker does which.
 */
final class AttentionKernel {
  /** Blocks of scores that a worker holds. */
  static final int FORWARD_BLOCKS = 1;

  static final int BACKWARD_BLOCKS = 2;
  private static final int BLOCK = 128;
  private final CpuDevice device;

  AttentionKernel(CpuDevice device) {
    this.device = device;
  }

  void forward(AttentionShape shape, Segments segments, AttentionTensors tensors) {
    forEachTask(
        shape,
        segments,
        FORWARD_BLOCKS,
        (segment, kvHead, scratch) ->
            forwardTask(shape, segments, tensors, segment, kvHead, scratch));
  }

  void backward(
      AttentionShape shape,
      Segments segments,
      AttentionTensors forward,
      Tensor dOut,
      Tensor dq,
      Tensor dk,
      Tensor dv) {
    dk.zero();
    dv.zero();
    Gradients gradients = new Gradients(dOut.address(), dq.address(), dk.address(), dv.address());
    forEachTask(
        shape,
        segments,
        BACKWARD_BLOCKS,
        (segment, kvHead, scratch) ->
            backwardTask(shape, segments, forward, gradients, segment, kvHead, scratch));
  }

  private record Gradients(long dOut, long dq, long dk, long dv) {}

  @FunctionalInterface
  private interface Task {
    void run(int segment, int kvHead, long scratch);
  }

  /** Each worker takes the next task when it is free; blocks of scores are its own. */
  private void forEachTask(AttentionShape shape, Segments segments, int blocks, Task task) {
    int tasks = segments.count() * shape.kvHeads();
    int workers = workers(device, shape, segments);
    if (workers == 0) {
      return;
    }
    try (Tensor scratch = scratch(device, shape, segments, blocks)) {
      long scratchBytes = scratch.bytes() / workers;
      AtomicInteger next = new AtomicInteger();
      device.forRange(
          workers,
          1,
          (from, to) -> {
            for (int worker = from; worker < to; worker++) {
              long mine = scratch.address() + worker * scratchBytes;
              for (int i = next.getAndIncrement(); i < tasks; i = next.getAndIncrement()) {
                task.run(i / shape.kvHeads(), i % shape.kvHeads(), mine);
              }
            }
          });
    }
  }

  static int workers(Device device, AttentionShape shape, Segments segments) {
    return Math.min(device.threads(), segments.count() * shape.kvHeads());
  }

  /** Room for {@code blocks} blocks of scores for every worker; the caller owns it. */
  static Tensor scratch(Device device, AttentionShape shape, Segments segments, int blocks) {
    int longestQuery = 0;
    int longestKey = 0;
    for (int s = 0; s < segments.count(); s++) {
      longestQuery = Math.max(longestQuery, Math.min(BLOCK, segments.queryLength(s)));
      longestKey = Math.max(longestKey, segments.keyLength(s));
    }
    return device.floats(workers(device, shape, segments), blocks, longestQuery, longestKey);
  }

  private void forwardTask(
      AttentionShape shape,
      Segments segments,
      AttentionTensors tensors,
      int segment,
      int kvHead,
      long scratch) {
    for (int head = kvHead * shape.group(); head < (kvHead + 1) * shape.group(); head++) {
      for (int from = 0; from < segments.queryLength(segment); from += BLOCK) {
        Block block = new Block(shape, segments, segment, from, head, kvHead);
        scores(block, tensors, scratch);
        for (int i = 0; i < block.rows; i++) {
          float lse = softmaxRow(scratch + 4L * i * block.keys, block, i);
          set(tensors.lse().address() + 4L * (block.firstRow + i) * shape.heads() + 4L * head, lse);
        }
        device.sgemm(
            Transpose.NO,
            Transpose.NO,
            block.rows,
            shape.headDim(),
            block.keys,
            1f,
            scratch,
            block.keys,
            block.key(tensors.v().address()),
            block.keyStride,
            0f,
            block.query(tensors.out().address()),
            block.queryStride);
      }
    }
  }

  private void backwardTask(
      AttentionShape shape,
      Segments segments,
      AttentionTensors forward,
      Gradients gradients,
      int segment,
      int kvHead,
      long scratch) {
    for (int head = kvHead * shape.group(); head < (kvHead + 1) * shape.group(); head++) {
      for (int from = 0; from < segments.queryLength(segment); from += BLOCK) {
        Block block = new Block(shape, segments, segment, from, head, kvHead);
        backwardBlock(block, forward, gradients, scratch);
      }
    }
  }

  private void backwardBlock(
      Block block, AttentionTensors forward, Gradients gradients, long scratch) {
    int dim = block.shape.headDim();
    long p = scratch;
    long dp = scratch + 4L * block.rows * block.keys;
    long dOut = block.query(gradients.dOut);
    scores(block, forward, p);
    device.sgemm(
        Transpose.NO,
        Transpose.YES,
        block.rows,
        block.keys,
        dim,
        1f,
        dOut,
        block.queryStride,
        block.key(forward.v().address()),
        block.keyStride,
        0f,
        dp,
        block.keys);
    long out = block.query(forward.out().address());
    for (int i = 0; i < block.rows; i++) {
      long lseAt =
          forward.lse().address() + 4L * ((block.firstRow + i) * block.shape.heads() + block.head);
      float delta =
          NormKernel.dot(dOut + 4L * i * block.queryStride, out + 4L * i * block.queryStride, dim);
      probabilitiesAndGradient(
          p + 4L * i * block.keys, dp + 4L * i * block.keys, block, i, get(lseAt), delta);
    }
    device.sgemm(
        Transpose.YES,
        Transpose.NO,
        block.keys,
        dim,
        block.rows,
        1f,
        p,
        block.keys,
        dOut,
        block.queryStride,
        1f,
        block.key(gradients.dv),
        block.keyStride);
    device.sgemm(
        Transpose.NO,
        Transpose.NO,
        block.rows,
        dim,
        block.keys,
        block.shape.scale(),
        dp,
        block.keys,
        block.key(forward.k().address()),
        block.keyStride,
        0f,
        block.query(gradients.dq),
        block.queryStride);
    device.sgemm(
        Transpose.YES,
        Transpose.NO,
        block.keys,
        dim,
        block.rows,
        block.shape.scale(),
        dp,
        block.keys,
        block.query(forward.q().address()),
        block.queryStride,
        1f,
        block.key(gradients.dk),
        block.keyStride);
  }

  /** scale · Q·Kᵀ of the block, before the soft cap. */
  private void scores(Block block, AttentionTensors tensors, long into) {
    device.sgemm(
        Transpose.NO,
        Transpose.YES,
        block.rows,
        block.keys,
        block.shape.headDim(),
        block.shape.scale(),
        block.query(tensors.q().address()),
        block.queryStride,
        block.key(tensors.k().address()),
        block.keyStride,
        0f,
        into,
        block.keys);
  }

  /** Scores of one query become probabilities, 0 where it may not look; returns its lse. */
  private static float softmaxRow(long row, Block block, int i) {
    int begin = block.visibleFrom(i);
    int end = block.visibleTo(i);
    long visible = row + 4L * begin;
    int count = end - begin;
    if (block.shape.softCap() > 0) {
      cap(visible, count, block.shape.softCap());
    }
    float max = CrossEntropyKernel.max(visible, count);
    float sum = CrossEntropyKernel.exponentiate(visible, max, count);
    CrossEntropyKernel.multiply(visible, 1f / sum, count);
    VectorMath.zero(row, begin);
    VectorMath.zero(row + 4L * end, block.keys - end);
    return (float) (StrictMath.log(sum) + max);
  }

  /** p: scores → probabilities; dp → gradient of the scores. */
  private static void probabilitiesAndGradient(
      long p, long dp, Block block, int i, float lse, float delta) {
    int begin = block.visibleFrom(i);
    int end = block.visibleTo(i);
    float softCap = block.shape.softCap();
    if (softCap > 0) {
      cap(p + 4L * begin, end - begin, softCap);
    }
    int j = begin;
    for (; j + LANES <= end; j += LANES) {
      FloatVector score = load(p + 4L * j);
      FloatVector probability = VectorMath.exp(score.sub(lse));
      FloatVector gradient = load(dp + 4L * j).sub(delta).mul(probability);
      if (softCap > 0) {
        FloatVector tanh = score.div(softCap);
        gradient = gradient.mul(FloatVector.broadcast(FLOATS, 1f).sub(tanh.mul(tanh)));
      }
      store(probability, p + 4L * j);
      store(gradient, dp + 4L * j);
    }
    for (; j < end; j++) {
      float score = get(p + 4L * j);
      float probability = VectorMath.exp(score - lse);
      float gradient = (get(dp + 4L * j) - delta) * probability;
      if (softCap > 0) {
        float tanh = score / softCap;
        gradient *= 1f - tanh * tanh;
      }
      set(p + 4L * j, probability);
      set(dp + 4L * j, gradient);
    }
    VectorMath.zero(p, begin);
    VectorMath.zero(dp, begin);
    VectorMath.zero(p + 4L * end, block.keys - end);
    VectorMath.zero(dp + 4L * end, block.keys - end);
  }

  /** x → softCap · tanh(x / softCap). */
  private static void cap(long row, int count, float softCap) {
    for (int i = 0; i < count; i++) {
      set(row + 4L * i, softCap * VectorMath.tanh(get(row + 4L * i) / softCap));
    }
  }

  /** Queries {@code from … from + rows − 1} of one segment and head, and the keys they can see. */
  private static final class Block {
    final AttentionShape shape;
    final int head;
    final int rows;
    final int keys;
    final int queryStride;
    final int keyStride;
    final long firstRow;
    private final int kvHead;
    private final long firstKeyRow;
    private final int firstPosition;
    private final int firstKey;

    Block(AttentionShape shape, Segments segments, int segment, int from, int head, int kvHead) {
      this.shape = shape;
      this.head = head;
      this.kvHead = kvHead;
      rows = Math.min(BLOCK, segments.queryLength(segment) - from);
      firstRow = (long) segments.queryStart(segment) + from;
      firstPosition = segments.keyLength(segment) - segments.queryLength(segment) + from;
      firstKey = shape.window() == 0 ? 0 : Math.max(0, firstPosition - shape.window() + 1);
      keys = firstPosition + rows - firstKey;
      firstKeyRow = (long) segments.keyStart(segment) + firstKey;
      queryStride = shape.heads() * shape.headDim();
      keyStride = shape.kvHeads() * shape.headDim();
    }

    /** Address of the first query of this head in a tensor [T, heads·D] at {@code base}. */
    long query(long base) {
      return base + 4 * (firstRow * queryStride + (long) head * shape.headDim());
    }

    /** Address of the first visible key of this head in a tensor [rows, kvHeads·D]. */
    long key(long base) {
      return base + 4 * (firstKeyRow * keyStride + (long) kvHead * shape.headDim());
    }

    /** First column of the block that query {@code i} sees. */
    int visibleFrom(int i) {
      int first = shape.window() == 0 ? 0 : Math.max(0, firstPosition + i - shape.window() + 1);
      return first - firstKey;
    }

    /** Column behind the last that query {@code i} sees. */
    int visibleTo(int i) {
      return firstPosition + i + 1 - firstKey;
    }
  }
}
