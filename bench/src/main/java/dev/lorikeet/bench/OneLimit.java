package dev.lorikeet.bench;

import dev.lorikeet.job.Devices;
import dev.lorikeet.model.LlamaConfig;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Device.Transpose;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.LongStream;
import tools.jackson.databind.json.JsonMapper;

/**
 * What the hardware allows: the matrix products of a frozen base alone, each map forward and its
 * input's gradient, with nothing between them; and the fastest product there is. Prints one line of
 * JSON.
 */
final class OneLimit {
  private static final int ROUNDS = 5;
  private static final int SIDE = 2048;
  private static final long READ = 1L << 26;
  private static final int LINE = 64;

  private final Device device;
  private final int tokens;

  private OneLimit(Device device, int tokens) {
    this.device = device;
    this.tokens = tokens;
  }

  /** Arguments: name of the shape, tokens of a step. */
  public static void main(String[] args) {
    LlamaConfig shape = BenchShape.valueOf(args[0].toUpperCase(Locale.ROOT)).config();
    Map<String, Object> line = new LinkedHashMap<>();
    try (Device device = Devices.open("cpu")) {
      OneLimit limit = new OneLimit(device, Integer.parseInt(args[1]));
      int hidden = shape.hiddenSize();
      int queries = shape.numAttentionHeads() * shape.headDim();
      int keys = shape.numKeyValueHeads() * shape.headDim();
      int mlp = shape.intermediateSize();
      double layer =
          limit.map(hidden, queries)
              + 2 * limit.map(hidden, keys)
              + limit.map(queries, hidden)
              + 2 * limit.map(hidden, mlp)
              + limit.map(mlp, hidden);
      double head = limit.map(hidden, shape.vocabSize());
      line.put("products_seconds", shape.numHiddenLayers() * layer + head);
      double peak = limit.seconds(SIDE, SIDE, SIDE, Transpose.NO);
      line.put("peak_gflops", 2.0 * SIDE * SIDE * SIDE / peak * 1e-9);
      line.put("read_gbytes", limit.readBandwidth());
    }
    System.out.println(JsonMapper.shared().writeValueAsString(line));
  }

  /** Seconds of x·Wᵀ and dy·W. */
  private double map(int in, int out) {
    return seconds(tokens, out, in, Transpose.YES) + seconds(tokens, in, out, Transpose.NO);
  }

  private double seconds(int m, int n, int k, Transpose transposeB) {
    try (Tensor a = device.zeros(m, k);
        Tensor b = transposeB == Transpose.YES ? device.zeros(n, k) : device.zeros(k, n);
        Tensor c = device.zeros(m, n)) {
      return best(() -> device.gemm(Transpose.NO, transposeB, 1f, a, b, 0f, c));
    }
  }

  /** GB/s of all threads that add up what lies beyond every cache. */
  private double readBandwidth() {
    try (Tensor far = device.zeros(READ)) {
      long bytes = far.bytes() / device.threads() / LINE * LINE;
      long[] sums = new long[device.threads()];
      double seconds =
          best(() ->
              device.forRange(
                  sums.length,
                  1,
                  (from, to) -> {
                    for (int part = from; part < to; part++) {
                      sums[part] = sum(far.segment().asSlice(part * bytes, bytes));
                    }
                  }));
      if (Arrays.stream(sums).anyMatch(sum -> sum != 0)) {
        throw new IllegalStateException("zeros that add up to something");
      }
      return bytes * sums.length / seconds * 1e-9;
    }
  }

  private static long sum(MemorySegment memory) {
    long a = 0;
    long b = 0;
    long c = 0;
    long d = 0;
    for (long at = 0; at < memory.byteSize(); at += LINE / 2) {
      a += memory.get(ValueLayout.JAVA_LONG, at);
      b += memory.get(ValueLayout.JAVA_LONG, at + 8);
      c += memory.get(ValueLayout.JAVA_LONG, at + 16);
      d += memory.get(ValueLayout.JAVA_LONG, at + 24);
    }
    return a + b + c + d;
  }

  private static double best(Runnable work) {
    return LongStream.range(0, ROUNDS)
            .map(round -> {
              long start = System.nanoTime();
              work.run();
              return System.nanoTime() - start;
            })
            .min()
            .orElseThrow()
        * 1e-9;
  }
}
