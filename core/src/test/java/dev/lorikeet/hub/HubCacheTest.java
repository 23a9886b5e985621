package dev.lorikeet.hub;

import static dev.lorikeet.hub.HubFixture.MAIN;
import static dev.lorikeet.hub.HubFixture.assertSays;
import static dev.lorikeet.hub.HubFixture.bytes;
import static dev.lorikeet.hub.HubFixture.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the cache holds, shows and removes, and who may write into it. */
final class HubCacheTest {
  private static final String NEXT = "1".repeat(40);

  @TempDir private Path home;
  private HubFixture fixture;
  private HubCache cache;

  @BeforeEach
  void start() throws IOException {
    fixture = new HubFixture(home).model();
    cache = fixture.client().cache();
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  private void downloadTwoCommits() {
    fixture.download();
    fixture.hub.commit(NEXT);
    fixture.hub.file("config.json", "{\"model_type\": \"mistral\"}");
    fixture.download();
  }

  @Test
  void anEmptyCacheHasNothing() {
    assertEquals(List.of(), cache.list());
    assertEquals(Optional.empty(), cache.find(MAIN));
    assertSays(
        assertThrows(ConfigException.class, () -> cache.inspect(MAIN.repo())),
        "has no parrots/tiny",
        "lorikeet download parrots/tiny");
  }

  @Test
  void repositoriesAreListedWithTheirSnapshots() throws IOException {
    downloadTwoCommits();
    Files.createDirectories(cache.root().resolve("spaces--x--y"));
    Files.createDirectories(cache.root().resolve("models--..--y"));

    List<CachedRepo> repos = cache.list();

    assertEquals(List.of("parrots/tiny"), repos.stream().map(r -> r.repo().text()).toList());
    CachedRepo repo = repos.getFirst();
    assertEquals(
        List.of(NEXT, StubHub.COMMIT),
        repo.snapshots().stream().map(CachedRepo.CachedSnapshot::commit).toList());
    assertEquals(
        List.of(List.of("main"), List.of()),
        repo.snapshots().stream().map(CachedRepo.CachedSnapshot::refs).toList());
    assertEquals(
        List.of("config.json", "empty.txt", "model.safetensors", "tokenizer/extra.json"),
        repo.snapshots().getFirst().files().stream().map(CachedRepo.CachedFile::path).toList());
    // The weights belong to both snapshots and lie on the disk once.
    long configs = "{\"model_type\": \"llama\"}{\"model_type\": \"mistral\"}".length();
    assertEquals(300_000 + 2 + configs, repo.bytes());
    assertEquals(300_000 + 2 + 25, repo.snapshots().getFirst().bytes());
  }

  @Test
  void aSnapshotIsRemovedWithoutWhatOthersNeed() {
    downloadTwoCommits();

    long freed = cache.remove(new RepoReference(MAIN.repo(), StubHub.COMMIT));

    assertEquals("{\"model_type\": \"llama\"}".length(), freed);
    assertEquals(NEXT, cache.find(MAIN).orElseThrow().commit());
    assertArrayEquals(
        random(300_000, 1),
        bytes(cache.find(MAIN).orElseThrow().folder().resolve("model.safetensors")));
    assertFalse(Files.exists(fixture.snapshot()));
  }

  @Test
  void removingABranchRemovesItsName() {
    downloadTwoCommits();

    cache.remove(MAIN);

    assertEquals(Optional.empty(), cache.find(MAIN));
    assertTrue(cache.find(new RepoReference(MAIN.repo(), StubHub.COMMIT)).isPresent());
    assertSays(
        assertThrows(ConfigException.class, () -> cache.remove(MAIN)),
        "not at revision 'main'",
        StubHub.COMMIT);
  }

  @Test
  void theLastSnapshotTakesTheRepositoryWithIt() {
    fixture.download();

    assertEquals(300_025, cache.remove(MAIN));

    assertFalse(Files.exists(fixture.repo()));
    assertEquals(List.of(), cache.list());
  }

  @Test
  void bytesThatChangedOnTheDiskAreFound() throws IOException {
    fixture.download();
    assertEquals(List.of(), cache.damaged(MAIN));

    byte[] weights = random(300_000, 1);
    weights[12345] ^= 1;
    Files.write(fixture.snapshot().resolve("model.safetensors"), weights);

    assertEquals(List.of("model.safetensors"), cache.damaged(MAIN));
  }

  @Test
  void aSnapshotOfAnOlderToolIsJudgedByItsOwnIndex() throws IOException {
    fixture.download();
    Files.delete(fixture.repo().resolve("trees/" + StubHub.COMMIT + ".json"));
    assertTrue(cache.find(MAIN).isPresent());
    assertSays(
        assertThrows(ConfigException.class, () -> cache.damaged(MAIN)), "no list of the files");

    Path folder = fixture.snapshot();
    Files.move(folder.resolve("model.safetensors"), folder.resolve("model-1.safetensors"));
    assertEquals(Optional.empty(), cache.find(MAIN));
    Files.writeString(
        folder.resolve("model.safetensors.index.json"),
        """
        {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
        """);
    assertEquals(Optional.empty(), cache.find(MAIN));
    assertEquals(List.of("model-2.safetensors"), cache.lookUp(MAIN).missing());

    Files.writeString(folder.resolve("model-2.safetensors"), "x");
    assertTrue(cache.find(MAIN).isPresent());
    Files.delete(folder.resolve("config.json"));
    assertEquals(Optional.empty(), cache.find(MAIN));
  }

  @Test
  void aListOfFilesThatIsDamagedOrHostileIsNotBelieved() throws IOException {
    Path file = home.resolve("tree.json");
    for (String content :
        List.of(
            "{",
            "[]",
            "{\"format_version\": 2, \"files\": {}}",
            "{\"format_version\": 1}",
            "{\"format_version\": 1, \"files\": {\"x\": {\"size\": 1, \"blob_id\": \"../../x\"}}}",
            "{\"format_version\": 1, \"files\": {\"x\": {\"blob_id\": \"" + NEXT + "\"}}}",
            "{\"format_version\": 1, \"files\": {\"../x\": {\"size\": 1, \"blob_id\": \""
                + NEXT
                + "\"}}}")) {
      Files.writeString(file, content);
      assertEquals(Optional.empty(), TreeFile.read(file), content);
    }
    Files.writeString(
        file,
        "{\"format_version\": 1, \"files\": {\"x\": {\"size\": 1, \"blob_id\": \""
            + NEXT
            + "\"}}}");
    assertEquals(1, TreeFile.read(file).orElseThrow().size());
  }

  @Test
  void anotherProcessIsWaitedForAndNotDisturbed() throws Exception {
    String sum = StubHub.etag(random(300_000, 1), true);
    Path lock = home.resolve("hub/.locks/models--parrots--tiny/" + sum + ".lock");
    Process holder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                LockHolder.class.getName(),
                lock.toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      assertEquals('!', holder.getInputStream().read(), "the other process has the lock");

      assertEquals(Optional.empty(), BlobLock.tryTake(lock));
      Pause untilItEnds =
          time -> {
            holder.destroyForcibly();
            if (!holder.waitFor(30, TimeUnit.SECONDS)) {
              throw new IllegalStateException("the other process does not end");
            }
          };
      new HubClient(fixture.settings(), untilItEnds, java.time.Clock.systemUTC())
          .download(MAIN, FileChoice.usual(), fixture.listener());
    } finally {
      holder.destroyForcibly();
    }

    assertEquals(
        List.of("another process downloads model.safetensors of parrots/tiny; waiting for it"),
        fixture.notices);
    assertTrue(cache.find(MAIN).isPresent());
  }

  @Test
  void whatIsBeingDownloadedIsNotRemoved() throws IOException {
    fixture.download();
    String sum = StubHub.etag(random(300_000, 1), true);
    Path lock = home.resolve("hub/.locks/models--parrots--tiny/" + sum + ".lock");
    try (BlobLock _ = BlobLock.tryTake(lock).orElseThrow()) {
      assertSays(
          assertThrows(ConfigException.class, () -> cache.remove(MAIN)),
          "is being downloaded by another process");
    }
    assertTrue(cache.find(MAIN).isPresent());
    cache.remove(MAIN);
  }
}
