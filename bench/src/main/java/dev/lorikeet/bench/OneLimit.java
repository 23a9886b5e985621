package dev.lorikeet.bench;

import dev.lorikeet.job.Devices;
import dev.lorikeet.model.LlamaConfig;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Device.Transpose;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HashMap;
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
      Phases phases = limit.new Phases();
      for (int layer = 0; layer < shape.numHiddenLayers(); layer++) {
        // Maps of one shape take the same time in every layer, and are timed once.
        phases.layer(hidden, queries);
        phases.layer(hidden, keys);
        phases.layer(hidden, keys);
        phases.layer(queries, hidden);
        phases.layer(hidden, mlp);
        phases.layer(hidden, mlp);
        phases.layer(mlp, hidden);
      }
      phases.head(hidden, shape.vocabSize());
      line.putAll(phases.line());
      double peak = limit.seconds(SIDE, SIDE, SIDE, Transpose.NO);
      line.put("peak_gflops", 2.0 * SIDE * SIDE * SIDE / peak * 1e-9);
      line.put("read_gbytes", limit.readBandwidth());
    }
    System.out.println(JsonMapper.shared().writeValueAsString(line));
  }

  /** Products of a step by where they are. */
  private final class Phases {
    private final Map<String, Double> known = new HashMap<>();
    private final Map<String, double[]> sums = new LinkedHashMap<>();

    void layer(int in, int out) {
      add("layers, forward", tokens, out, in, Transpose.YES);
      add("layers, gradients of inputs", tokens, in, out, Transpose.NO);
    }

    void head(int in, int out) {
      add("output head", tokens, out, in, Transpose.YES);
      add("output head", tokens, in, out, Transpose.NO);
    }

    private void add(String phase, int m, int n, int k, Transpose transposeB) {
      double[] sum = sums.computeIfAbsent(phase, any -> new double[2]);
      sum[0] +=
          known.computeIfAbsent(n + "x" + k + transposeB, any -> seconds(m, n, k, transposeB));
      sum[1] += 2.0 * m * n * k * 1e-9;
    }

    Map<String, Object> line() {
      Map<String, Object> phases = new LinkedHashMap<>();
      sums.forEach((phase, sum) -> phases.put(phase, Map.of("seconds", sum[0], "gflop", sum[1])));
      return Map.of(
          "phases", phases,
          "products_seconds", sums.values().stream().mapToDouble(sum -> sum[0]).sum(),
          "products_gflop", sums.values().stream().mapToDouble(sum -> sum[1]).sum());
    }
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
