package dev.lorikeet.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.ConfigException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HubDataTest {
  private static final RepoReference SET = RepoReference.parse("datasets/" + StubHub.REPO);

  @TempDir private Path home;
  private HubFixture fixture;

  @BeforeEach
  void start() throws IOException {
    fixture = new HubFixture(home);
    fixture
        .hub
        .kind(RepoKind.DATASET)
        .file("README.md", "# Talk")
        .large("data/train-00000-of-00002.jsonl", bytes("{\"text\": \"a\"}\n"))
        .large("data/train-00001-of-00002.jsonl", bytes("{\"text\": \"b\"}\n"))
        .large("data/test-00000-of-00001.jsonl", bytes("{\"text\": \"c\"}\n"));
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  @Test
  void theTrainingFilesComeAndLieWherePythonHasThem() throws IOException {
    DataSnapshot got = data(FileChoice.usual());

    Path snapshot = home.resolve("hub/datasets--parrots--tiny/snapshots/" + StubHub.COMMIT);
    assertEquals(
        List.of(
            snapshot.resolve("data/train-00000-of-00002.jsonl"),
            snapshot.resolve("data/train-00001-of-00002.jsonl")),
        got.files());
    assertEquals("{\"text\": \"b\"}\n", Files.readString(got.files().getLast()));
    assertEquals(2, fixture.blobsOf("datasets--parrots--tiny").size());
  }

  @Test
  void whatIsInTheCacheNeedsNoNetwork() {
    data(FileChoice.usual());
    fixture.hub.forget();

    assertEquals(2, data(FileChoice.usual()).files().size());
    assertEquals(List.of(), fixture.hub.seen());
  }

  @Test
  void otherFilesOfTheSameSetAreFetchedWhenTheyAreAskedFor() {
    data(FileChoice.usual());

    DataSnapshot test = data(FileChoice.matching(List.of("data/test*")));

    assertEquals(1, test.files().size());
    assertTrue(test.files().getFirst().endsWith("test-00000-of-00001.jsonl"));
  }

  @Test
  void aModelOfTheSameNameIsAnotherRepository() {
    data(FileChoice.usual());

    assertEquals(Optional.empty(), fixture.client().cache().find(HubFixture.MAIN));
    assertEquals(
        List.of("datasets/parrots/tiny"),
        fixture.client().cache().list().stream().map(repo -> repo.repo().path()).toList());
  }

  @Test
  void aListThatPythonDidNotKeepIsReplacedByWhatIsThere() throws IOException {
    data(FileChoice.usual());
    Files.delete(home.resolve("hub/datasets--parrots--tiny/trees/" + StubHub.COMMIT + ".json"));
    fixture.hub.forget();

    assertEquals(2, data(FileChoice.usual()).files().size());
    assertEquals(List.of(), fixture.hub.seen());
  }

  @ParameterizedTest
  @CsvSource({
    "train.csv test.csv,                                train.csv",
    "databricks-dolly-15k.jsonl README.md,              databricks-dolly-15k.jsonl",
    "data/train-0.parquet data/validation-0.parquet,    data/train-0.parquet",
    "en/Training.jsonl.gz en/dev.jsonl.gz,              en/Training.jsonl.gz",
    "all.json test.json dataset_infos.json,             all.json",
    "constraints.json test.json,                        constraints.json",
    "train/a.txt train/b.txt test/a.txt,                train/a.txt train/b.txt",
  })
  void trainingFilesAreToldByTheirNames(String all, String expected) {
    assertEquals(List.of(expected.split(" ")), training(all));
  }

  @Test
  void severalFormsOfTheSetAreTheUsersChoice() {
    ConfigException problem =
        assertThrows(
            ConfigException.class, () -> training("en/train.jsonl fr/train.jsonl fr/test.jsonl"));
    assertTrue(
        problem
            .getMessage()
            .contains("choose one with data.files: ['en/*.jsonl'] or ['fr/*.jsonl']"),
        problem::getMessage);
  }

  @Test
  void aSetWithoutTrainingRecordsSaysWhatThereIs() {
    ConfigException problem =
        assertThrows(ConfigException.class, () -> training("test.jsonl loader.py"));
    assertTrue(
        problem.getMessage().contains("choose with data.files among test.jsonl, loader.py"),
        problem::getMessage);
  }

  private static List<String> training(String paths) {
    List<HubFile> files =
        Arrays.stream(paths.split(" "))
            .map(path -> new HubFile(path, 1, "", Optional.empty(), Optional.empty()))
            .toList();
    return DataFiles.training(SET.repo(), files).stream().map(HubFile::path).toList();
  }

  private DataSnapshot data(FileChoice choice) {
    return fixture.client().requireData(SET, choice, fixture.listener());
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
