package dev.lorikeet.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.FormatException;
import dev.lorikeet.error.RunException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunDatabaseTest {
  @TempDir Path temp;

  private Path file() {
    return temp.resolve(RunStore.FILE_NAME);
  }

  private void execute(String sql) throws SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file());
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /** Version 1 had every column but the accuracy. */
  @Test
  void anIndexOfVersion1IsReadAndGetsTheNewColumn() throws SQLException {
    String id;
    try (RunStore store = RunStore.open(temp, Runs.CLOCK)) {
      RunDirectory directory = RunDirectory.create(temp, "lora", "nano", Runs.CLOCK);
      id = store.create(directory, "lora", "nano", Runs.RECIPE, Map.of()).id();
      store.append(id, Runs.row(1, 2.0));
    }
    execute("ALTER TABLE metrics DROP COLUMN validation_accuracy");
    execute("PRAGMA user_version = 1");

    try (RunStore store = RunStore.open(temp, Runs.CLOCK)) {
      store.append(id, Runs.row(2, 1.0));
      assertEquals(List.of(Runs.row(1, 2.0), Runs.row(2, 1.0)), store.metrics(id));
    }
  }

  @Test
  void newerVersionIsRefused() throws SQLException {
    RunStore.open(temp, Runs.CLOCK).close();
    execute("PRAGMA user_version = 7");

    FormatException failure =
        assertThrows(FormatException.class, () -> RunStore.open(temp, Runs.CLOCK));

    assertEquals(
        file()
            + ": schema version 7, but this Lorikeet knows versions up to 2; a newer Lorikeet wrote"
            + " it: update Lorikeet or choose another output folder",
        failure.getMessage());
  }

  @Test
  void databaseOfAnotherProgramIsRefusedAndUnchanged() throws SQLException, IOException {
    execute("CREATE TABLE invoices (amount INTEGER)");
    byte[] before = Files.readAllBytes(file());

    FormatException failure =
        assertThrows(FormatException.class, () -> RunStore.open(temp, Runs.CLOCK));

    assertTrue(
        Runs.message(failure).contains("database of another program"), Runs.message(failure));
    assertArrayEquals(before, Files.readAllBytes(file()));
  }

  @Test
  void fileThatIsNoDatabaseIsToldAsDamaged() throws IOException {
    Files.writeString(file(), "this is not a database, although it has the name of one".repeat(99));

    FormatException failure =
        assertThrows(FormatException.class, () -> RunStore.open(temp, Runs.CLOCK));

    String message = Runs.message(failure);
    assertTrue(message.startsWith(file() + ": the index of runs is damaged ("), message);
    assertTrue(message.contains("The runs' own folders are not touched by this"), message);
  }

  @Test
  void overwrittenPagesAreToldAsDamaged() throws IOException {
    try (RunStore store = RunStore.open(temp, Runs.CLOCK)) {
      for (int i = 0; i < 30; i++) {
        RunDirectory directory = RunDirectory.create(temp, "lora", "nano", Runs.CLOCK);
        store.create(directory, "lora", "nano", Runs.RECIPE.repeat(9), Map.of());
      }
    }
    byte[] bytes = Files.readAllBytes(file());
    assertTrue(bytes.length > 8192, "bytes " + bytes.length);
    Arrays.fill(bytes, 4096, bytes.length, (byte) 0xA5);
    Files.write(file(), bytes);

    FormatException failure =
        assertThrows(
            FormatException.class,
            () -> {
              try (RunStore store = RunStore.open(temp, Runs.CLOCK)) {
                store.list();
              }
            });

    assertTrue(
        Runs.message(failure).contains("the index of runs is damaged"), Runs.message(failure));
  }

  @Test
  @Tag("slow")
  void lockThatStaysIsToldAfterFiveSeconds() throws SQLException {
    RunDirectory directory = RunDirectory.create(temp, "lora", "nano", Runs.CLOCK);
    try (RunStore store = RunStore.open(temp, Runs.CLOCK);
        Connection other = DriverManager.getConnection("jdbc:sqlite:" + file());
        Statement statement = other.createStatement()) {
      statement.execute("BEGIN IMMEDIATE");

      RunException failure =
          assertThrows(
              RunException.class,
              () -> store.create(directory, "lora", "nano", Runs.RECIPE, Map.of()));

      assertEquals(
          "Entering a run in "
              + file()
              + " failed: another process held it for more than 5 s; close the program that has it"
              + " open, or try again",
          failure.getMessage());
    }
  }

  @Test
  void fullDiskIsToldAndEarlierRowsStay() {
    try (RunDatabase database = new RunDatabase(file())) {
      database.query("PRAGMA max_page_count = 20", row -> row.getInt(1));
      String insert = "INSERT INTO runs VALUES (?, 0, NULL, '', '', '', '', ?, '{}', '{}', '')";
      database.change("Entering a run", insert, "small", "");

      RunException failure =
          assertThrows(
              RunException.class,
              () -> database.change("Entering a run", insert, "large", "x".repeat(1_000_000)));

      assertEquals(
          "Entering a run in " + file() + " failed: the disk is full; free space and try again",
          failure.getMessage());
      assertEquals(
          List.of("small"), database.query("SELECT id FROM runs", row -> row.getString(1)));
    }
  }
}
