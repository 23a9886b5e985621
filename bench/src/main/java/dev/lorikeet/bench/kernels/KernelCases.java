package dev.lorikeet.bench.kernels;

import dev.lorikeet.torch.CpuDevice;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** All kernels that can be timed, by name. */
final class KernelCases {
  /** Makes the tensors of a case. */
  @FunctionalInterface
  interface Maker {
    /** The case at the sizes of {@code shape}, on {@code device}. */
    KernelCase make(KernelShape shape, CpuDevice device);
  }

  /** The peaks that the others are compared with. */
  static final String SGEMM_PEAK = "sgemm peak";

  static final String STREAM_PEAK = "stream peak";

  private static final Map<String, Maker> ALL = all();

  private KernelCases() {}

  private static Map<String, Maker> all() {
    Map<String, Maker> all = new TreeMap<>();
    Stream.of(
            PeakCases.all(),
            LayerCases.all(),
            AttentionCases.all(),
            UpdateCases.all(),
            WeightCases.all())
        .forEach(all::putAll);
    return all;
  }

  /** Names without the peaks, sorted. */
  static List<String> names() {
    return ALL.keySet().stream().filter(name -> !name.endsWith(" peak")).toList();
  }

  /** The case {@code name}; the caller owns it. */
  static KernelCase open(String name, KernelShape shape, CpuDevice device) {
    Maker maker = ALL.get(name);
    if (maker == null) {
      throw new IllegalStateException("no kernel " + name + "; there are " + ALL.keySet());
    }
    return maker.make(shape, device);
  }
}
