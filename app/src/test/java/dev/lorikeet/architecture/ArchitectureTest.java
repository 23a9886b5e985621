package dev.lorikeet.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.ACCESS_STANDARD_STREAMS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;

/** The arrows between packages, as docs/architecture.md draws them. */
final class ArchitectureTest {
  private static final String ROOT = "dev.lorikeet.";

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("dev.lorikeet");

  /** Rooms of core and what each may know of core besides itself. */
  private static final Map<String, Set<String>> CORE_ARROWS =
      Map.ofEntries(
          entry("error"),
          entry("config", "error"),
          entry("format", "error"),
          entry("jinja", "error"),
          entry("tokenizer", "error", "format", "jinja"),
          entry("source", "error"),
          entry("data", "config", "error", "jinja", "source", "tokenizer"),
          entry("run", "error", "format"),
          entry("hub", "error", "format"),
          entry("nano"),
          entry("stat"),
          entry("metric", "error", "format", "stat"),
          entry("judge", "error", "metric", "stat"),
          entry("task", "error", "jinja"));

  private static final Set<String> CORE = CORE_ARROWS.keySet();

  private static Map.Entry<String, Set<String>> entry(String room, String... known) {
    return Map.entry(room, Set.of(known));
  }

  /** Rooms of the engine and what each may know of the engine, itself included. */
  private static final Map<String, Set<String>> ENGINE = engine();

  private static Map<String, Set<String>> engine() {
    Map<String, Set<String>> rooms = new TreeMap<>();
    place(rooms, "torch", Set.of());
    place(rooms, "kernel", below(rooms, "torch"));
    place(rooms, "tape", below(rooms, "kernel"));
    place(rooms, "nn", below(rooms, "tape"));
    place(rooms, "model", below(rooms, "nn"));
    place(rooms, "quant", below(rooms, "nn"));
    place(rooms, "adapter", below(rooms, "quant"));
    place(rooms, "train", below(rooms, "model", "adapter"));
    place(rooms, "generate", below(rooms, "model", "adapter"));
    place(rooms, "eval", below(rooms, "generate"));
    place(rooms, "pretrain", below(rooms, "train"));
    place(rooms, "job", below(rooms, "eval", "pretrain"));
    return rooms;
  }

  private static void place(Map<String, Set<String>> rooms, String room, Set<String> below) {
    Set<String> known = new TreeSet<>(below);
    known.add(room);
    rooms.put(room, known);
  }

  private static Set<String> below(Map<String, Set<String>> rooms, String... direct) {
    return Stream.of(direct)
        .flatMap(room -> rooms.getOrDefault(room, Set.of()).stream())
        .collect(Collectors.toSet());
  }

  @Test
  void everyRoomHasItsPlace() {
    Set<String> rooms = new TreeSet<>();
    CLASSES.forEach(type -> rooms.add(room(type)));
    Set<String> placed = new TreeSet<>(CORE);
    placed.addAll(ENGINE.keySet());
    placed.add("cli");
    assertEquals(placed, rooms);
  }

  @Test
  void roomsOfCoreKnowOnlyThoseBelow() {
    TreeSet<String> wrong = new TreeSet<>();
    for (String room : CORE) {
      wrong.addAll(
          arrowsFrom(room, known -> CORE_ARROWS.getOrDefault(room, Set.of()).contains(known)));
    }
    assertEquals(Set.of(), wrong);
  }

  @Test
  void roomsOfTheEngineKnowCoreAndThoseBelow() {
    TreeSet<String> wrong = new TreeSet<>();
    ENGINE.forEach((room, below) ->
        wrong.addAll(arrowsFrom(room, known -> CORE.contains(known) || below.contains(known))));
    assertEquals(Set.of(), wrong);
  }

  @Test
  void modelsAndAdaptersDoNotKnowEachOther() {
    noClasses()
        .that()
        .resideInAPackage(ROOT + "model..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage(ROOT + "adapter..")
        .check(CLASSES);
    noClasses()
        .that()
        .resideInAPackage(ROOT + "adapter..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage(ROOT + "model..")
        .check(CLASSES);
  }

  @Test
  void nobodyKnowsTheCommandLine() {
    noClasses()
        .that()
        .resideOutsideOfPackage(ROOT + "cli..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(ROOT + "cli..", "picocli..")
        .check(CLASSES);
  }

  @Test
  void onlyTorchKnowsNativeTensors() {
    noClasses()
        .that()
        .resideOutsideOfPackage(ROOT + "torch..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.bytedeco..")
        .check(CLASSES);
    assertTrue(
        CLASSES.stream()
            .filter(type -> room(type).equals("torch"))
            .flatMap(type -> type.getDirectDependenciesFromSelf().stream())
            .anyMatch(arrow -> arrow.getTargetClass().getPackageName().startsWith("org.bytedeco")),
        "the rule looks for a name that exists");
  }

  @Test
  void coreNeedsNoTensorLibrary() {
    noClasses()
        .that()
        .resideInAnyPackage(CORE.stream().map(room -> ROOT + room + "..").toArray(String[]::new))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.bytedeco..", "ai.djl.ndarray..", "ai.djl.pytorch..")
        .check(CLASSES);
  }

  @Test
  void onlyTheCommandLinePrints() {
    noClasses()
        .that()
        .resideOutsideOfPackage(ROOT + "cli..")
        .should(ACCESS_STANDARD_STREAMS)
        .check(CLASSES);
  }

  @Test
  void everyPackageSaysWhatItIsAndHasNoNulls() {
    TreeSet<String> packages = new TreeSet<>();
    TreeSet<String> unmarked = new TreeSet<>();
    for (JavaClass type : CLASSES) {
      JavaPackage home = type.getPackage();
      packages.add(home.getName());
      if (!home.isAnnotatedWith(NullMarked.class)) {
        unmarked.add(home.getName());
      }
    }
    assertEquals(Set.of(), unmarked);
    assertEquals(CORE.size() + ENGINE.size() + 1, packages.size());
  }

  @FunctionalInterface
  private interface Allowed {
    boolean contains(String room);
  }

  /** Dependencies of a room on another room that it may not know. */
  private static Set<String> arrowsFrom(String room, Allowed allowed) {
    TreeSet<String> wrong = new TreeSet<>();
    for (JavaClass type : CLASSES) {
      if (!room(type).equals(room)) {
        continue;
      }
      for (Dependency arrow : type.getDirectDependenciesFromSelf()) {
        JavaClass target = arrow.getTargetClass().getBaseComponentType();
        String known = room(target);
        if (!known.isEmpty() && !known.equals(room) && !allowed.contains(known)) {
          wrong.add(type.getName() + " knows " + target.getName());
        }
      }
    }
    return wrong;
  }

  /** First part of the package behind the root; empty for classes of others. */
  private static String room(JavaClass type) {
    String name = type.getPackageName();
    return name.startsWith(ROOT) ? name.substring(ROOT.length()).split("\\.", 2)[0] : "";
  }
}
