package dev.lorikeet.bench.kernels;

import dev.lorikeet.bench.kernels.KernelCase.Limit;
import dev.lorikeet.bench.kernels.KernelCase.Work;
import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.Device;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;
import org.openjdk.jmh.util.Statistics;

/**
 * Times the kernels and prints one Markdown table, in which each stands beside the peak that bounds
 * it. The peaks are measured before and after the kernels; the higher one counts, and both are
 * printed, since they tell whether the machine was quiet.
 */
public final class KernelTable {
  private static final int WARM_UP = 3;
  private static final int ITERATIONS = 5;
  private static final TimeValue ITERATION = TimeValue.milliseconds(500);

  private final Map<Limit, Double> peaks = new EnumMap<>(Limit.class);
  private final StringBuilder rows = new StringBuilder();
  private final int threads;

  private KernelTable(int threads) {
    this.threads = threads;
  }

  /** Arguments, all optional: a regular expression of kernel names, and the worker threads. */
  public static void main(String[] args) throws RunnerException {
    String wanted = args.length > 0 ? args[0] : "";
    int cores = Runtime.getRuntime().availableProcessors();
    String threads = args.length > 1 ? args[1] : Integer.toString(cores);
    if (!threads.matches("[1-9]\\d{0,3}")) {
      refuse("THREADS is a whole number from 1, found " + threads);
    }
    List<String> names = names(wanted);
    if (names.isEmpty()) {
      refuse("no kernel is called " + wanted + "; there are " + KernelCases.names());
    }
    new KernelTable(Integer.parseInt(threads)).measure(names);
  }

  private static List<String> names(String wanted) {
    try {
      Predicate<String> found = Pattern.compile(wanted).asPredicate();
      return KernelCases.names().stream().filter(found).toList();
    } catch (PatternSyntaxException mistake) {
      refuse("REGEX cannot be read: " + mistake.getMessage());
      return List.of();
    }
  }

  private static void refuse(String mistake) {
    System.err.println("error: " + mistake);
    System.exit(2);
  }

  private void measure(List<String> names) throws RunnerException {
    String before = peaks();
    List<String> shapes = Arrays.stream(KernelShape.values()).map(KernelShape::name).toList();
    var results = run(names, shapes);
    String after = peaks();
    results.forEach(this::row);
    System.out.println(
        "\n%s %s, %s, Java %s, %d threads\n\nPeaks before: %s; after: %s\n"
            .formatted(
                System.getProperty("os.name"),
                System.getProperty("os.arch"),
                blas(),
                Runtime.version(),
                threads,
                before,
                after));
    System.out.println("| kernel | shape | µs | spread | GFLOP/s | GB/s | share of peak |");
    System.out.println("|---|---|---|---|---|---|---|");
    System.out.print(rows);
  }

  private String blas() {
    try (CpuDevice device = Device.cpu(1)) {
      return device.blasDescription();
    }
  }

  private String peaks() throws RunnerException {
    StringBuilder line = new StringBuilder();
    for (RunResult result :
        run(
            List.of(KernelCases.SGEMM_PEAK, KernelCases.STREAM_PEAK),
            List.of(KernelShape.SMOLLM2.name()))) {
      Work work = work(result);
      double rate = work.amount() / median(result);
      peaks.merge(work.limit(), rate, Math::max);
      line.append(line.isEmpty() ? "" : ", ").append(round(rate)).append(unit(work.limit()));
    }
    return line.toString();
  }

  private List<RunResult> run(List<String> names, List<String> shapes) throws RunnerException {
    var options =
        new OptionsBuilder()
            .include(KernelBench.class.getName())
            .param("kernel", names.toArray(String[]::new))
            .param("shape", shapes.toArray(String[]::new))
            .param("threads", String.valueOf(threads))
            .forks(1)
            .warmupIterations(WARM_UP)
            .warmupTime(ITERATION)
            .measurementIterations(ITERATIONS)
            .measurementTime(ITERATION)
            .shouldFailOnError(true)
            .verbosity(VerboseMode.SILENT)
            .build();
    return List.copyOf(new Runner(options).run());
  }

  private void row(RunResult result) {
    Work work = work(result);
    Statistics times = result.getPrimaryResult().getStatistics();
    double rate = work.amount() / median(result);
    boolean arithmetic = work.limit() == Limit.SGEMM;
    rows.append(
        String.format(
            Locale.ROOT,
            "| %s | %s | %s | %.0f %% | %s | %s | %.0f %% |%n",
            parameter(result, "kernel"),
            parameter(result, "shape"),
            round(median(result) / 1000),
            100 * (times.getMax() - times.getMin()) / median(result),
            arithmetic ? round(rate) : "",
            arithmetic ? "" : round(rate),
            100 * rate / peaks.getOrDefault(work.limit(), Double.NaN)));
  }

  private Work work(RunResult result) {
    try (CpuDevice device = Device.cpu(threads);
        KernelCase opened =
            KernelCases.open(
                parameter(result, "kernel"),
                KernelShape.valueOf(parameter(result, "shape")),
                device)) {
      return opened.work();
    }
  }

  private static String parameter(RunResult result, String name) {
    return result.getParams().getParam(name);
  }

  /** Nanoseconds. */
  private static double median(RunResult result) {
    return result.getPrimaryResult().getStatistics().getPercentile(50);
  }

  private static String unit(Limit limit) {
    return limit == Limit.SGEMM ? " GFLOP/s" : " GB/s";
  }

  private static String round(double value) {
    return String.format(Locale.ROOT, value < 10 ? "%.2f" : "%.0f", value);
  }
}
