package dev.lorikeet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.cli.Check.Verdict;
import dev.lorikeet.torch.ContainerMemory;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;

class DoctorCommandTest {
  private static final long GIB = 1L << 30;
  private static final Machine.Java JAVA = new Machine.Java(25, "25.0.3", "Adoptium", true);
  private static final Machine.Cpu CPU = new Machine.Cpu("EPYC", 2, "amd64", Set.of("avx2"));
  private static final Machine.Memory MEMORY =
      new Machine.Memory(24 * GIB, 16 * GIB, Optional.empty());
  private static final Machine.Libc GLIBC = new Machine.Libc(true, Optional.of("2.36"));

  private final Terminal terminal = new Terminal();

  private static Machine machine(
      Machine.Java java, Machine.Cpu cpu, Machine.Memory memory, Machine.Libc libc) {
    return new Machine(
        java, cpu, memory, List.of(), libraries("pytorch-2.jar"), Machine.Cuda.none(), libc);
  }

  private static List<Machine.Library> libraries(String torch) {
    return List.of(
        new Machine.Library("libtorch", Optional.of(torch)),
        new Machine.Library("BLAS", Optional.of("openblas.jar")));
  }

  private static Check check(Machine machine, String name) {
    return Diagnosis.of(machine).stream()
        .filter(check -> check.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static String verdict(Machine machine, String name) {
    Check check = check(machine, name);
    return check.verdict() + " " + check.found();
  }

  @Test
  void goodMachineIsGood() {
    List<Check> checks = Diagnosis.of(machine(JAVA, CPU, MEMORY, GLIBC));

    assertEquals(
        Set.of(Verdict.OK), checks.stream().map(Check::verdict).collect(Collectors.toSet()));
  }

  @Test
  void anotherJavaIsAWarningAndAMissingVectorModuleIsFatal() {
    Machine machine = machine(new Machine.Java(26, "26", "Adoptium", false), CPU, MEMORY, GLIBC);

    assertEquals("WARN 26, Adoptium", verdict(machine, "Java"));
    assertEquals("FAIL missing", verdict(machine, "Vector API"));
    assertTrue(
        check(machine, "Vector API").advice().contains("--add-modules jdk.incubator.vector"));
  }

  @Test
  void instructionSetsAreNamed() {
    assertEquals("OK EPYC (AVX2)", verdict(machine(JAVA, CPU, MEMORY, GLIBC), "CPU"));
    assertEquals(
        "OK Xeon (AVX-512)",
        verdict(
            machine(
                JAVA,
                new Machine.Cpu("Xeon", 2, "amd64", Set.of("avx2", "avx512f")),
                MEMORY,
                GLIBC),
            "CPU"));
    assertEquals(
        "WARN Atom (no AVX2 reported)",
        verdict(
            machine(JAVA, new Machine.Cpu("Atom", 1, "amd64", Set.of("sse2")), MEMORY, GLIBC),
            "CPU"));
    assertEquals(
        "OK M4 (NEON)",
        verdict(
            machine(JAVA, new Machine.Cpu("M4", 8, "aarch64", Set.of()), MEMORY, GLIBC), "CPU"));
  }

  @Test
  void containerLimitCountsWhereItIsSmaller() {
    Machine.Memory memory =
        new Machine.Memory(24 * GIB, 16 * GIB, Optional.of(new ContainerMemory(2 * GIB, GIB / 2)));

    assertEquals(
        "WARN 1.5 GiB free of 24.0 GiB, container limit 2.0 GiB",
        verdict(machine(JAVA, CPU, memory, GLIBC), "Memory"));
    assertEquals(
        "FAIL 100 MiB free of 24.0 GiB",
        verdict(
            machine(JAVA, CPU, new Machine.Memory(24 * GIB, 100L << 20, Optional.empty()), GLIBC),
            "Memory"));
  }

  @Test
  void oldOrOtherLibcIsFatal() {
    assertEquals(
        "FAIL glibc 2.31",
        verdict(
            machine(JAVA, CPU, MEMORY, new Machine.Libc(true, Optional.of("2.31"))), "C library"));
    assertEquals(
        "FAIL not glibc",
        verdict(machine(JAVA, CPU, MEMORY, new Machine.Libc(true, Optional.empty())), "C library"));
    assertEquals(
        "OK the system's",
        verdict(
            machine(JAVA, CPU, MEMORY, new Machine.Libc(false, Optional.empty())), "C library"));
  }

  @Test
  void fullDiskAndMissingLibraryAreFatal() {
    Machine machine =
        new Machine(
            JAVA,
            CPU,
            MEMORY,
            List.of(
                new Machine.Disk("runs and models", Path.of("here"), 1L << 20),
                new Machine.Disk("unpacked native libraries", Path.of("there"), 2 * GIB)),
            List.of(new Machine.Library("libtorch", Optional.empty())),
            Machine.Cuda.none(),
            GLIBC);

    assertEquals("FAIL 1 MiB free in here", verdict(machine, "Disk for runs and models"));
    assertEquals(
        "WARN 2.0 GiB free in there", verdict(machine, "Disk for unpacked native libraries"));
    assertEquals("FAIL no jar for this platform (amd64)", verdict(machine, "libtorch"));
  }

  @Test
  void fatalFindingsExitWithOne() {
    Machine bad = machine(JAVA, CPU, MEMORY, new Machine.Libc(true, Optional.empty()));
    CommandLine doctor = new CommandLine(new DoctorCommand(terminal.console(), () -> bad));

    assertEquals(1, doctor.execute());
    assertTrue(
        terminal.out().contains("fail  C library: not glibc. The native libraries need glibc"),
        terminal.out());
  }

  @Test
  void thisMachineIsLookedAtWithoutLoadingLibtorch() {
    int code = terminal.run("doctor", "--json");

    JsonNode json = terminal.json();
    assertEquals(code == 0, json.path("usable").booleanValue(), terminal.out());
    assertEquals("", terminal.err());
    assertTrue(found(json, "Java").startsWith(Runtime.version().toString()), terminal.out());
    assertTrue(found(json, "libtorch").startsWith("pytorch-"), terminal.out());
    assertTrue(found(json, "tokenizer").startsWith("tokenizers-"), terminal.out());
  }

  private static String found(JsonNode document, String name) {
    return document
        .path("checks")
        .valueStream()
        .filter(check -> check.path("name").stringValue().equals(name))
        .map(check -> check.path("found").stringValue())
        .findFirst()
        .orElseThrow();
  }
}
