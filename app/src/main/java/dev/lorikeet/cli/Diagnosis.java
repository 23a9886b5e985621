package dev.lorikeet.cli;

import dev.lorikeet.cli.Machine.Library;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Judges a machine: what Lorikeet can do on it, and what its owner may change. */
final class Diagnosis {
  private static final int JAVA = 25;
  private static final long MIB = 1L << 20;
  private static final long GIB = 1L << 30;

  /** Less cannot hold libtorch, the JVM and the smallest model at once. */
  private static final long LEAST_MEMORY = 768 * MIB;

  /** A 135 M parameter model with LoRA in float32 needs about this much. */
  private static final long GOOD_MEMORY = 6 * GIB;

  /** libtorch and OpenBLAS take 455 MB when they are unpacked. */
  private static final long LEAST_DISK = 600 * MIB;

  private static final long GOOD_DISK = 5 * GIB;
  private static final Pattern VERSION = Pattern.compile("(\\d+)\\.(\\d+).*");

  /** DJL's tokenizer library is linked against this glibc. */
  private static final int GLIBC_MINOR = 34;

  private Diagnosis() {}

  static List<Check> of(Machine machine) {
    List<Check> checks = new ArrayList<>();
    checks.add(java(machine.java()));
    checks.add(vectorModule(machine.java()));
    checks.add(cores(machine.cpu()));
    checks.add(instructions(machine.cpu()));
    checks.add(memory(machine.memory()));
    machine.disks().forEach(disk -> checks.add(disk(disk)));
    machine.libraries().forEach(library -> checks.add(library(library, machine.cpu())));
    checks.add(libc(machine.libc()));
    checks.addAll(CudaDiagnosis.of(machine.cuda(), build(machine)));
    return checks;
  }

  private static Check java(Machine.Java java) {
    String found = java.version() + ", " + java.vendor();
    return java.feature() == JAVA
        ? Check.ok("Java", found, "This is the version that Lorikeet is tested with.")
        : Check.warn(
            "Java",
            found,
            "Lorikeet is tested with Java "
                + JAVA
                + ": set LORIKEET_JAVA_HOME to a JDK "
                + JAVA
                + ".");
  }

  private static Check vectorModule(Machine.Java java) {
    return java.vectorModule()
        ? Check.ok("Vector API", "jdk.incubator.vector", "The CPU kernels can use it.")
        : Check.fail(
            "Vector API",
            "missing",
            "Start Lorikeet with ./lorikeet, or add --add-modules jdk.incubator.vector to java.");
  }

  private static Check cores(Machine.Cpu cpu) {
    return cpu.cores() > 1
        ? Check.ok("Cores", Integer.toString(cpu.cores()), "Training uses all of them.")
        : Check.warn(
            "Cores", "1", "Training is slow on one core; give the container more if you can.");
  }

  private static Check instructions(Machine.Cpu cpu) {
    boolean avx512 = cpu.flags().stream().anyMatch(flag -> flag.startsWith("avx512f"));
    boolean avx2 = cpu.flags().contains("avx2") || cpu.flags().contains("pf_avx2_instructions");
    if (cpu.arch().equals("aarch64")) {
      return Check.ok("CPU", cpu.name() + " (NEON)", "Vectors of 4 float32 numbers.");
    }
    if (avx512) {
      return Check.ok("CPU", cpu.name() + " (AVX-512)", "Vectors of 16 float32 numbers.");
    }
    return avx2
        ? Check.ok("CPU", cpu.name() + " (AVX2)", "Vectors of 8 float32 numbers.")
        : Check.warn(
            "CPU",
            cpu.name() + " (no AVX2 reported)",
            "Without AVX2 matrix products are several times slower; use a newer CPU if you can.");
  }

  private static Check memory(Machine.Memory memory) {
    String limit =
        memory.container().map(group -> ", container limit " + gib(group.limitBytes())).orElse("");
    String found = gib(memory.usableBytes()) + " free of " + gib(memory.totalBytes()) + limit;
    if (memory.usableBytes() < LEAST_MEMORY) {
      return Check.fail(
          "Memory",
          found,
          "Free at least " + gib(LEAST_MEMORY) + ": even the built-in model needs it.");
    }
    return memory.usableBytes() < GOOD_MEMORY
        ? Check.warn(
            "Memory",
            found,
            "Enough for the built-in model; LoRA on 135 M parameters needs about "
                + gib(GOOD_MEMORY)
                + ".")
        : Check.ok("Memory", found, "Enough for LoRA on models of 135 M parameters.");
  }

  private static Check disk(Machine.Disk disk) {
    String name = "Disk for " + disk.use();
    String found = gib(disk.freeBytes()) + " free in " + disk.path();
    if (disk.freeBytes() < LEAST_DISK) {
      return Check.fail(name, found, "Free at least " + gib(LEAST_DISK) + " there.");
    }
    return disk.freeBytes() < GOOD_DISK
        ? Check.warn(name, found, "Enough to begin; checkpoints of larger models take gigabytes.")
        : Check.ok(name, found, "Enough.");
  }

  private static Check library(Library library, Machine.Cpu cpu) {
    return library
        .jar()
        .map(jar -> Check.ok(library.name(), jar, "On the class path for this platform."))
        .orElseGet(() ->
            Check.fail(
                library.name(),
                "no jar for this platform (" + cpu.arch() + ")",
                "Lorikeet runs on Linux and Windows x86-64 and on Apple silicon; build it on"
                    + " the machine that it shall run on."));
  }

  private static Check libc(Machine.Libc libc) {
    String name = "C library";
    if (!libc.linux()) {
      return Check.ok(name, "the system's", "Nothing special is needed on this system.");
    }
    Optional<String> glibc = libc.glibc();
    if (glibc.isEmpty()) {
      return Check.fail(
          name,
          "not glibc",
          "The native libraries need glibc: use Debian, Ubuntu or Fedora images.");
    }
    String found = "glibc " + glibc.get();
    return atLeast(glibc.get())
        ? Check.ok(name, found, "The tokenizer library needs 2." + GLIBC_MINOR + ".")
        : Check.fail(
            name,
            found,
            "The tokenizer library needs 2."
                + GLIBC_MINOR
                + ": use Debian 12, Ubuntu 22.04, RHEL 9 or newer.");
  }

  private static boolean atLeast(String version) {
    Matcher parts = VERSION.matcher(version);
    if (!parts.matches()) {
      return false;
    }
    int major = Integer.parseInt(parts.group(1));
    return major > 2 || (major == 2 && Integer.parseInt(parts.group(2)) >= GLIBC_MINOR);
  }

  private static CudaDiagnosis.Build build(Machine machine) {
    boolean cuda =
        machine.libraries().stream()
            .flatMap(library -> library.jar().stream())
            .anyMatch(jar -> jar.startsWith("pytorch-") && jar.contains("-gpu"));
    return cuda ? CudaDiagnosis.Build.CUDA : CudaDiagnosis.Build.CPU;
  }

  private static String gib(long bytes) {
    return bytes < GIB
        ? bytes / MIB + " MiB"
        : String.format(Locale.ROOT, "%.1f GiB", (double) bytes / GIB);
  }
}
