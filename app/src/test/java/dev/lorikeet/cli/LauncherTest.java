package dev.lorikeet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * The launcher script in a copy of the project's layout, with JDKs and a Maven that only say how
 * they were called. The PATH holds nothing but the tools that the script may use.
 */
@Tag("slow")
@DisabledOnOs(OS.WINDOWS) // The launcher is a POSIX shell script.
class LauncherTest {
  private static final Path LAUNCHER = Path.of("..", "lorikeet");
  private static final List<String> TOOLS =
      List.of(
          "sh",
          "dirname",
          "find",
          "grep",
          "head",
          "mkdir",
          "readlink",
          "rm",
          "tail",
          "touch",
          "cat");

  @TempDir Path temp;
  private final Map<String, String> environment = new TreeMap<>();

  private record Result(int code, String out, String err) {}

  @BeforeEach
  void layOut() throws IOException {
    for (String module : List.of("core", "engine", "app")) {
      Files.createDirectories(project().resolve(module).resolve("src/main"));
      Files.writeString(project().resolve(module).resolve("pom.xml"), "<project/>");
    }
    Files.writeString(project().resolve("pom.xml"), "<project/>");
    Files.copy(LAUNCHER, project().resolve("lorikeet"));
    executable(project().resolve("lorikeet"));
    Files.createDirectories(temp.resolve("tools"));
    for (String tool : TOOLS) {
      Files.createSymbolicLink(temp.resolve("tools").resolve(tool), realTool(tool));
    }
    environment.put("PATH", temp.resolve("tools").toString());
    environment.put("HOME", temp.resolve("home").toString());
    environment.put("LORIKEET_JDK_DIRS", temp.resolve("no jdks").toString());
  }

  /** JUnit warns of links that lead out of the folder it deletes. */
  @AfterEach
  void unlinkTools() throws IOException {
    for (String tool : TOOLS) {
      Files.delete(temp.resolve("tools").resolve(tool));
    }
  }

  private Path project() {
    return temp.resolve("my projects/lorikeet");
  }

  private static Path realTool(String name) {
    return Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
        .map(folder -> Path.of(folder, name))
        .filter(Files::isExecutable)
        .findFirst()
        .orElseThrow();
  }

  private static void executable(Path file) {
    assertTrue(file.toFile().setExecutable(true));
  }

  private Path script(Path file, String body) throws IOException {
    Files.createDirectories(file.resolve("..").normalize());
    Files.writeString(file, "#!/bin/sh\n" + body);
    executable(file);
    return file;
  }

  /** A JDK whose java prints its home and its arguments, one per line. */
  private Path jdk(String folder, String version) throws IOException {
    Path home = temp.resolve(folder);
    script(
        home.resolve("bin/java"),
        "echo 'java of " + folder + "'\nfor arg in \"$@\"; do echo \"[$arg]\"; done\n");
    Files.writeString(
        home.resolve("release"),
        "IMPLEMENTOR=\"Eclipse Adoptium\"\nJAVA_VERSION=\"" + version + "\"\n");
    return home;
  }

  /** Makes the jar look built, newer than every source. */
  private void built() throws IOException {
    Files.createDirectories(project().resolve("app/target/lib"));
    Path jar = Files.writeString(project().resolve("app/target/lorikeet.jar"), "jar");
    Files.setLastModifiedTime(jar, FileTime.from(Instant.now().plusSeconds(60)));
  }

  /** A Maven that writes how it was called into a file, and then does {@code body}. */
  private void maven(String body) throws IOException {
    script(
        temp.resolve("tools/mvn"),
        "echo \"JAVA_HOME=$JAVA_HOME $*\" >>'" + temp.resolve("maven.txt") + "'\n" + body);
  }

  private void mavenThatBuilds() throws IOException {
    Path target = project().resolve("app/target");
    maven("mkdir -p '" + target + "/lib'\ntouch '" + target + "/lorikeet.jar'\n");
  }

  private List<String> mavenCalls() throws IOException {
    Path calls = temp.resolve("maven.txt");
    return Files.exists(calls) ? Files.readAllLines(calls) : List.of();
  }

  private Result lorikeet(String... args) throws IOException, InterruptedException {
    return lorikeet(project().resolve("lorikeet"), args);
  }

  private Result lorikeet(Path launcher, String... args) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(launcher.toString()));
    command.addAll(List.of(args));
    ProcessBuilder builder = new ProcessBuilder(command).directory(temp.toFile());
    builder.environment().clear();
    builder.environment().putAll(environment);
    Path err = Files.createTempFile(temp, "err", ".txt");
    Process process = builder.redirectError(err.toFile()).start();
    process.getOutputStream().close();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Result(process.waitFor(), out, Files.readString(err));
  }

  private void assertJava(String folder, Result result) {
    assertEquals("", result.err());
    assertEquals("java of " + folder, result.out().lines().findFirst().orElse("nothing"));
    assertEquals(0, result.code());
  }

  @Test
  void defaultJava17ButA25ElsewhereIsEnough() throws Exception {
    built();
    Files.createSymbolicLink(
        temp.resolve("tools/java"), jdk("usr/java-17", "17.0.15").resolve("bin/java"));
    environment.put("JAVA_HOME", temp.resolve("usr/java-17").toString());
    jdk("all jdks/jdk-21", "21.0.1");
    jdk("all jdks/temurin-25", "25.0.3");
    jdk("all jdks/z-250", "250.0.1");
    environment.put("LORIKEET_JDK_DIRS", temp + "/absent:" + temp + "/all jdks");

    assertJava("all jdks/temurin-25", lorikeet("doctor"));
  }

  @Test
  void macLayoutIsFound() throws Exception {
    built();
    jdk("jdks/temurin-25.jdk/Contents/Home", "25");
    environment.put("LORIKEET_JDK_DIRS", temp.resolve("jdks").toString());

    assertJava("jdks/temurin-25.jdk/Contents/Home", lorikeet("doctor"));
  }

  @Test
  void noJdkIsToldInOneSentence() throws Exception {
    built();
    Files.createSymbolicLink(
        temp.resolve("tools/java"), jdk("usr/java-17", "17.0.15").resolve("bin/java"));

    Result result = lorikeet("doctor");

    assertEquals(1, result.code());
    assertEquals("", result.out());
    assertEquals(
        "error: Lorikeet needs a JDK 25 and found none: install Temurin 25"
            + " (https://adoptium.net/temurin/releases/?version=25), or set LORIKEET_JAVA_HOME to"
            + " one.\n",
        result.err());
  }

  @Test
  void adviceFitsThePackageManager() throws Exception {
    built();
    script(temp.resolve("tools/brew"), "");
    assertTrue(lorikeet("doctor").err().contains("(brew install --cask temurin@25)"));
    Files.createDirectories(temp.resolve("home/.sdkman"));
    assertTrue(lorikeet("doctor").err().contains("(sdk install java 25-tem)"));
  }

  @Test
  void namedJdkComesFirstThenJavaHomeThenThePath() throws Exception {
    built();
    environment.put("LORIKEET_JDK_DIRS", jdk("jdks/a", "25.0.1").resolve("..").toString());
    Files.createSymbolicLink(
        temp.resolve("tools/java"), jdk("usr/java-25", "25.0.2").resolve("bin/java"));
    assertJava("usr/java-25", lorikeet("doctor"));
    environment.put("JAVA_HOME", jdk("java home", "25.0.3").toString());
    assertJava("java home", lorikeet("doctor"));
    environment.put("LORIKEET_JAVA_HOME", jdk("named", "25.0.4").toString());
    assertJava("named", lorikeet("doctor"));
  }

  @Test
  void namedJdkOfAnotherVersionIsNotPassedOver() throws Exception {
    built();
    environment.put("JAVA_HOME", jdk("java home", "25.0.3").toString());
    environment.put("LORIKEET_JAVA_HOME", jdk("named", "24.0.1").toString());

    Result result = lorikeet("doctor");

    assertEquals(1, result.code());
    assertTrue(
        result.err().startsWith("error: LORIKEET_JAVA_HOME is " + temp.resolve("named")),
        result.err());
  }

  @Test
  void argumentsAndFlagsArriveThroughALinkFromAnyFolder() throws Exception {
    built();
    environment.put("JAVA_HOME", jdk("jdk", "25.0.3").toString());
    environment.put("LORIKEET_JAVA_OPTS", "-Xmx3g -Dx=y");
    Path link = temp.resolve("bin/tune");
    Files.createDirectories(temp.resolve("bin"));
    Files.createSymbolicLink(link, Path.of("../my projects/lorikeet/lorikeet"));

    Result result = lorikeet(link, "generate", "--prompt", "two  words", "*", "");

    List<String> arguments = result.out().lines().skip(1).toList();
    for (String flag : jvmFlags()) {
      assertTrue(arguments.contains("[" + flag + "]"), flag + " in " + arguments);
    }
    String jar = project().toRealPath().resolve("app/target/lorikeet.jar").toString();
    assertEquals(
        List.of(
            "[-Xmx3g]",
            "[-Dx=y]",
            "[-cp]",
            "[" + jar + "]",
            "[dev.lorikeet.cli.Lorikeet]",
            "[generate]",
            "[--prompt]",
            "[two  words]",
            "[*]",
            "[]"),
        arguments.subList(arguments.indexOf("[-Xmx3g]"), arguments.size()));
  }

  /** The property jvm.flags of the project's pom. */
  private static List<String> jvmFlags() throws IOException {
    Matcher flags =
        Pattern.compile("<jvm.flags>(.*)</jvm.flags>")
            .matcher(Files.readString(Path.of("..", "pom.xml")));
    assertTrue(flags.find());
    return List.of(flags.group(1).split(" "));
  }

  @Test
  void firstUseBuildsAndTheNextDoesNot() throws Exception {
    environment.put("JAVA_HOME", jdk("jdk", "25.0.3").toString());
    mavenThatBuilds();

    Result first = lorikeet("doctor");
    assertEquals(0, first.code(), first.err());
    assertTrue(first.out().startsWith("java of jdk\n"), first.out());
    assertEquals(1, first.err().lines().count(), first.err());
    assertTrue(first.err().startsWith("Building Lorikeet once"), first.err());
    assertTrue(first.err().contains("Maven Central"), first.err());

    assertJava("jdk", lorikeet("doctor"));
    String root = project().toRealPath().toString();
    assertEquals(
        List.of(
            "JAVA_HOME="
                + temp.resolve("jdk")
                + " -B -ntp -f "
                + root
                + "/pom.xml -q -Dmaven.test.skip=true package"),
        mavenCalls());
  }

  /** A java that writes the cache it is asked for, and prints its arguments otherwise. */
  private Path cachingJdk(String made) throws IOException {
    Path home = jdk("jdk", "25.0.3");
    script(
        home.resolve("bin/java"),
        """
        for arg in "$@"; do
          case $arg in
            -XX:AOTCacheOutput=*) echo cache >"${arg#*=}"; exit %s ;;
          esac
        done
        for arg in "$@"; do echo "[$arg]"; done
        """
            .formatted(made));
    return home;
  }

  @Test
  void laterStartsUseTheCacheOfTheBuild() throws Exception {
    environment.put("JAVA_HOME", cachingJdk("0").toString());
    mavenThatBuilds();
    lorikeet("doctor");

    Path cache = project().toRealPath().resolve("target/lorikeet.aot");
    assertTrue(lorikeet("doctor").out().contains("[-XX:AOTCache=" + cache + "]"));
    Path jar = project().resolve("app/target/lorikeet.jar");
    Files.setLastModifiedTime(jar, FileTime.from(Instant.now().plusSeconds(60)));
    Result newerJar = lorikeet("doctor");
    assertFalse(newerJar.out().contains("AOTCache"), newerJar.out());
    assertFalse(Files.exists(project().resolve("target/rehearsal")));
  }

  @Test
  void startsWorkWithoutACache() throws Exception {
    environment.put("JAVA_HOME", cachingJdk("1").toString());
    mavenThatBuilds();

    Result first = lorikeet("doctor");
    assertEquals(0, first.code(), first.err());
    assertFalse(Files.exists(project().resolve("target/lorikeet.aot")));
    assertFalse(lorikeet("doctor").out().contains("AOTCache"));
  }

  @Test
  void changedSourceIsBuiltAgain() throws Exception {
    environment.put("JAVA_HOME", jdk("jdk", "25.0.3").toString());
    mavenThatBuilds();
    lorikeet("doctor");
    Path source = Files.writeString(project().resolve("engine/src/main/New.java"), "class New {}");
    Files.setLastModifiedTime(source, FileTime.from(Instant.now().plusSeconds(2)));

    Result again = lorikeet("doctor");

    assertTrue(again.err().startsWith("A source has changed: building"), again.err());
    assertEquals(2, mavenCalls().size());
  }

  @Test
  void failedBuildShowsTheEndOfItsLog() throws Exception {
    environment.put("JAVA_HOME", jdk("jdk", "25.0.3").toString());
    maven("echo 'Could not resolve picocli'\nexit 1\n");

    Result result = lorikeet("doctor");

    assertEquals(1, result.code());
    assertEquals("", result.out());
    assertTrue(result.err().contains("\nCould not resolve picocli\nerror: the build failed"));
    assertEquals(
        "Could not resolve picocli\n", Files.readString(project().resolve("target/build.log")));
    assertFalse(Files.exists(project().resolve("app/target/lorikeet.jar")));
  }

  /** A Maven that builds, with libtorch for CUDA where it is asked for. */
  private void mavenThatBuildsFlavours() throws IOException {
    Path target = project().resolve("app/target");
    maven(
        """
        mkdir -p '%1$s/lib'
        name=pytorch-2-linux-x86_64.jar
        for arg in "$@"; do if [ "$arg" = -Pcuda ]; then name=pytorch-2-linux-x86_64-gpu.jar; fi; done
        touch '%1$s/lorikeet.jar' "%1$s/lib/$name"
        """
            .formatted(target));
  }

  /** A CUDA_HOME with CUDA 13's run time in it. */
  private Path cuda13() throws IOException {
    Path lib = Files.createDirectories(temp.resolve("cuda 13/lib64"));
    Files.writeString(lib.resolve("libcudart.so.13"), "");
    environment.put("CUDA_HOME", temp.resolve("cuda 13").toString());
    return lib;
  }

  private boolean lastBuildWasForCuda() throws IOException {
    return mavenCalls().getLast().contains(" -Pcuda ");
  }

  @Test
  void cudaIsBuiltWhereGpuAndCuda13AreFound() throws Exception {
    Path home = jdk("jdk", "25.0.3");
    environment.put("JAVA_HOME", home.toString());
    mavenThatBuildsFlavours();
    Path lib = cuda13();
    script(temp.resolve("tools/nvidia-smi"), "[ \"$1\" = -L ] && echo 'GPU 0: NVIDIA H100'\n");
    script(home.resolve("bin/java"), "echo \"libraries $LD_LIBRARY_PATH\"\n");

    Result first = lorikeet("doctor");

    assertEquals(0, first.code(), first.err());
    assertTrue(lastBuildWasForCuda());
    assertEquals(1, first.err().lines().count(), first.err());
    assertTrue(
        first
            .err()
            .startsWith("Building Lorikeet for CUDA (CUDA 13 in " + lib + "; LORIKEET_CUDA=0"),
        first.err());
    assertEquals("libraries " + lib + "\n", first.out());
    Result second = lorikeet("doctor");
    assertEquals("", second.err(), "it is built once");
    environment.put("LORIKEET_CUDA", "0");
    Result cpu = lorikeet("doctor");
    assertFalse(lastBuildWasForCuda());
    assertEquals("libraries \n", cpu.out());
    assertFalse(Files.exists(project().resolve("app/target/lib/pytorch-2-linux-x86_64-gpu.jar")));
  }

  @Test
  void gpuOrCudaAloneIsNotEnoughUnlessAskedFor() throws Exception {
    org.junit.jupiter.api.Assumptions.assumeFalse(
        Files.exists(Path.of("/dev/nvidia0")), "this machine has no GPU");
    environment.put("JAVA_HOME", jdk("jdk", "25.0.3").toString());
    mavenThatBuildsFlavours();
    cuda13();
    script(temp.resolve("tools/nvidia-smi"), "exit 9\n");
    lorikeet("doctor");
    assertFalse(lastBuildWasForCuda());

    environment.put("LORIKEET_CUDA", "1");
    lorikeet("doctor");
    assertTrue(lastBuildWasForCuda());
    environment.put("LORIKEET_CUDA", "yes");
    assertEquals(
        "error: LORIKEET_CUDA is yes: set it to 1 for CUDA, to 0 for the CPU, or leave it unset.\n",
        lorikeet("doctor").err());
  }

  @Test
  void missingMavenIsToldInOneSentence() throws Exception {
    environment.put("JAVA_HOME", jdk("jdk", "25.0.3").toString());

    Result result = lorikeet("verify");

    assertEquals(1, result.code());
    assertEquals(1, result.err().lines().count(), result.err());
    assertTrue(result.err().contains("found no mvn on the PATH: install Maven 3.8"), result.err());
    Result build = lorikeet("doctor");
    assertEquals(1, build.code());
    assertTrue(build.err().contains("found no mvn on the PATH"), build.err());
  }

  @Test
  void verifyRunsMavenOnTheJdkAndGivesItsExitCode() throws Exception {
    environment.put("JAVA_HOME", jdk("usr/java-17", "17.0.15").toString());
    environment.put("LORIKEET_JDK_DIRS", jdk("jdks/a", "25.0.1").resolve("..").toString());
    maven("exit 3\n");

    assertEquals(3, lorikeet("verify", "-Dtest.groups=native", "two words").code());

    String home = temp.resolve("jdks/a/../a").toString();
    String root = project().toRealPath().toString();
    assertEquals(
        List.of(
            "JAVA_HOME="
                + home
                + " -B -ntp -f "
                + root
                + "/pom.xml verify -Dtest.groups=native two words"),
        mavenCalls());
  }
}
