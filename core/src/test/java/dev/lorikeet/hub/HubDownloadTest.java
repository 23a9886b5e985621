package dev.lorikeet.hub;

import static dev.lorikeet.hub.HubFixture.MAIN;
import static dev.lorikeet.hub.HubFixture.SECRET;
import static dev.lorikeet.hub.HubFixture.assertSays;
import static dev.lorikeet.hub.HubFixture.bytes;
import static dev.lorikeet.hub.HubFixture.names;
import static dev.lorikeet.hub.HubFixture.random;
import static dev.lorikeet.hub.HubFixture.text;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.RunException;
import dev.lorikeet.hub.StubHub.Seen;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a download leaves behind when all goes well, and who is told what. */
final class HubDownloadTest {
  @TempDir private Path home;
  private HubFixture fixture;
  private StubHub hub;

  @BeforeEach
  void start() throws IOException {
    fixture = new HubFixture(home);
    hub = fixture.model().hub;
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  @Test
  void theCacheHasTheLayoutOfHuggingFace() throws IOException {
    Downloaded downloaded = fixture.download();

    byte[] weights = random(300_000, 1);
    String sum = StubHub.etag(weights, true);
    assertArrayEquals(weights, bytes(fixture.repo().resolve("blobs/" + sum)));
    Path pointer = fixture.snapshot().resolve("model.safetensors");
    assertEquals("../../blobs/" + sum, Files.readSymbolicLink(pointer).toString());
    Path deeper = fixture.snapshot().resolve("tokenizer/extra.json");
    assertEquals(
        "../../../blobs/" + StubHub.etag("{}".getBytes(UTF_8), false),
        Files.readSymbolicLink(deeper).toString());
    assertEquals("{}", text(deeper));
    assertEquals(0, Files.size(fixture.snapshot().resolve("empty.txt")));
    assertEquals(StubHub.COMMIT, text(fixture.repo().resolve("refs/main")));
    assertEquals(4, fixture.blobs().size(), fixture.blobs()::toString);
    assertEquals(
        List.of("config.json", "empty.txt", "model.safetensors", "tokenizer"),
        names(fixture.snapshot()));
    assertTrue(
        text(home.resolve("hub/CACHEDIR.TAG"))
            .startsWith("Signature: 8a477f597d28d172789f06886806bc55"));
    assertEquals(4, names(home.resolve("hub/.locks/models--parrots--tiny")).size());

    assertEquals(fixture.snapshot(), downloaded.snapshot().folder());
    assertEquals(StubHub.COMMIT, downloaded.snapshot().commit());
    assertEquals(4, downloaded.files());
    assertEquals(4, downloaded.fetchedFiles());
    assertEquals(List.of("pytorch_model.bin"), downloaded.skipped());
    assertEquals(1000, downloaded.skippedBytes());
    assertEquals(List.of(), fixture.notices);
  }

  @Test
  void theListOfFilesIsKeptAsPythonWritesIt() {
    fixture.download();

    String tree = text(fixture.repo().resolve("trees/" + StubHub.COMMIT + ".json"));
    assertTrue(tree.contains("\"format_version\" : 1"), tree);
    List<HubFile> files =
        TreeFile.read(fixture.repo().resolve("trees/" + StubHub.COMMIT + ".json")).orElseThrow();
    HubFile weights =
        files.stream().filter(f -> f.path().equals("model.safetensors")).findFirst().orElseThrow();
    assertEquals(300_000, weights.size());
    assertEquals(Optional.of(StubHub.etag(random(300_000, 1), true)), weights.sha256());
  }

  @Test
  void whatIsThereIsNotFetchedAgain() {
    fixture.download();
    hub.forget();

    Downloaded again = fixture.download();

    assertEquals(0, again.fetchedFiles());
    assertEquals(0, again.fetchedBytes());
    // The list of a commit never changes and was kept; only what the branch means is asked.
    assertEquals(List.of(hub.api("/revision/main")), hub.seen().stream().map(Seen::path).toList());
  }

  @Test
  void aCommitThatIsThereNeedsNoNetworkAtAll() {
    fixture.download();
    hub.forget();

    RepoReference pinned = RepoReference.parse(StubHub.REPO + "@" + StubHub.COMMIT);
    fixture.client().download(pinned, FileChoice.usual(), fixture.listener());
    fixture.client().require(MAIN, fixture.listener());

    assertEquals(List.of(), hub.seen());
  }

  @Test
  void aBranchThatMovedIsFollowedAndItsOldFilesAreUsedAgain() {
    fixture.download();
    String next = "1".repeat(40);
    hub.commit(next);
    hub.file("config.json", "{\"model_type\": \"mistral\"}");
    hub.forget();

    Downloaded moved = fixture.download();

    assertEquals(next, moved.snapshot().commit());
    assertEquals(next, text(fixture.repo().resolve("refs/main")));
    assertEquals("{\"model_type\": \"mistral\"}".length(), moved.fetchedBytes());
    assertEquals(List.of(), hub.seen(StubHub.stored("model.safetensors")));
    assertArrayEquals(
        random(300_000, 1), bytes(moved.snapshot().folder().resolve("model.safetensors")));
  }

  @Test
  void revisionsWithSlashesAreBranchesToo() {
    Downloaded downloaded =
        fixture
            .client()
            .download(
                RepoReference.parse(StubHub.REPO + "@refs/pr/1"),
                FileChoice.usual(),
                fixture.listener());

    assertEquals(StubHub.COMMIT, text(fixture.repo().resolve("refs/refs/pr/1")));
    assertEquals(StubHub.COMMIT, downloaded.snapshot().commit());
  }

  @Test
  void patternsChooseFiles() {
    FileChoice choice = FileChoice.matching(List.of("*.json", "pytorch*"));

    Downloaded downloaded = fixture.client().download(MAIN, choice, fixture.listener());

    assertEquals(
        List.of("config.json", "pytorch_model.bin", "tokenizer"), names(fixture.snapshot()));
    assertEquals(List.of("empty.txt", "model.safetensors"), downloaded.skipped());
    // Without its weights the model is not whole, and nobody takes it for that.
    assertEquals(Optional.empty(), fixture.client().cache().find(MAIN));
    assertTrue(
        Files.exists(
            fixture
                .client()
                .require(MAIN, fixture.listener())
                .folder()
                .resolve("model.safetensors")));
  }

  @Test
  void theListMayComeInPages() {
    hub.pageSize(2);

    assertEquals(4, fixture.download().files());
    assertEquals(3, hub.seen(hub.api("/tree/" + StubHub.COMMIT)).size());
  }

  @Test
  void filesWithTheSameContentAreFetchedOnce() {
    hub.large("model-copy.safetensors", random(300_000, 1));

    Downloaded downloaded = fixture.download();

    assertEquals(5, downloaded.fetchedFiles());
    assertEquals(
        1, hub.seen().stream().filter(s -> s.path().startsWith(StubHub.stored("model"))).count());
    assertArrayEquals(
        random(300_000, 1), bytes(fixture.snapshot().resolve("model-copy.safetensors")));
  }

  @Test
  void withoutLinksFilesStandInTheSnapshotItself() {
    fixture.environment.put("HF_HUB_DISABLE_SYMLINKS", "1");
    hub.large("model-copy.safetensors", random(300_000, 1));

    fixture.download();

    for (String name : List.of("model.safetensors", "model-copy.safetensors")) {
      Path file = fixture.snapshot().resolve(name);
      assertFalse(Files.isSymbolicLink(file));
      assertArrayEquals(random(300_000, 1), bytes(file));
    }
    assertEquals(List.of(), fixture.blobs());
    hub.forget();
    assertEquals(0, fixture.download().fetchedFiles());
    assertEquals(1, hub.seen().size());
  }

  @Test
  void theTokenGoesToTheHubAndToNobodyElse() {
    fixture.download();

    assertTrue(hub.seen().stream().anyMatch(seen -> seen.host().equals("cdn")));
    for (Seen seen : hub.seen()) {
      assertEquals(
          seen.host().equals("hub") ? Optional.of("Bearer " + SECRET) : Optional.empty(),
          seen.header("authorization"),
          seen::toString);
      assertEquals(Optional.of("identity"), seen.header("accept-encoding"));
    }
  }

  @Test
  void theSameMachineUnderAnotherNameIsAnotherHost() {
    // The hub's own port, but 127.0.0.1 instead of localhost.
    String elsewhere = "http://127.0.0.1:" + hub.endpoint().getPort() + "/store/config.json";
    hub.next(hub.resolve("config.json"), StubHub.redirect(elsewhere));

    fixture.download();

    Seen seen = hub.seen("/store/config.json").getFirst();
    assertEquals("hub", seen.host());
    assertEquals(Optional.empty(), seen.header("authorization"));
  }

  @Test
  void relativeRedirectsStayAtTheHubAndKeepWhatItSaid() {
    String real = "/renamed/resolve/config.json";
    byte[] config = "{\"model_type\": \"llama\"}".getBytes(UTF_8);
    hub.next(
        hub.resolve("config.json"),
        StubHub.redirect(real, "X-Linked-Etag", "\"" + StubHub.etag(config, false) + "\""));
    hub.next(real, StubHub.body(config));

    fixture.download();

    assertEquals(
        Optional.of("Bearer " + SECRET), hub.seen(real).getFirst().header("authorization"));
  }

  @Test
  void whatTheHubSaysOnTheWayHasToFitItsList() {
    hub.next(
        hub.resolve("config.json"),
        StubHub.redirect("/elsewhere", "X-Linked-Etag", "\"" + "0".repeat(40) + "\""));
    hub.next("/elsewhere", StubHub.body("{}".getBytes(UTF_8)));

    RunException failure = assertThrows(RunException.class, fixture::download);

    assertSays(failure, "contradicts its own list of files", "config.json", "0".repeat(40));
    assertFalse(Files.exists(fixture.snapshot().resolve("config.json")));
    assertFalse(Files.exists(fixture.repo().resolve("refs/main")));
  }

  @Test
  void endlessRedirectsEnd() {
    StubHub.Answer[] loop = new StubHub.Answer[20];
    java.util.Arrays.fill(loop, StubHub.redirect(hub.resolve("config.json")));
    hub.next(hub.resolve("config.json"), loop);

    assertSays(assertThrows(RunException.class, fixture::download), "more than 10 redirects");
  }

  @Test
  void offlineOnlyTheCacheCounts() {
    fixture.environment.put("HF_HUB_OFFLINE", "1");
    ConfigException nothing = assertThrows(ConfigException.class, fixture::download);
    assertSays(nothing, "is not in the cache", "HF_HUB_OFFLINE", "lorikeet download " + MAIN);

    fixture.environment.remove("HF_HUB_OFFLINE");
    fixture.download();
    hub.forget();
    fixture.environment.put("HF_HUB_OFFLINE", "1");

    assertEquals(fixture.snapshot(), fixture.download().snapshot().folder());
    assertEquals(List.of(), hub.seen());
  }

  @Test
  void offlineAPartOfAModelIsNotTakenForTheWhole() throws IOException {
    fixture.download();
    Files.delete(fixture.snapshot().resolve("model.safetensors"));
    fixture.environment.put("HF_HUB_OFFLINE", "1");

    ConfigException part = assertThrows(ConfigException.class, fixture::download);

    assertSays(part, "only in part", "model.safetensors missing");
  }

  @Test
  void theWayIsToldFromTheFirstToTheLastByte() {
    List<Long> done = new ArrayList<>();
    List<Long> plans = new ArrayList<>();
    HubListener listener =
        new HubListener() {
          @Override
          public void planned(int files, long bytes) {
            plans.add((long) files);
            plans.add(bytes);
          }

          @Override
          public void advanced(long now, long planned) {
            done.add(now);
          }
        };

    fixture.client().download(MAIN, FileChoice.usual(), listener);

    long bytes = 300_000L + "{}".length() + "{\"model_type\": \"llama\"}".length();
    assertEquals(List.of(4L, bytes), plans);
    assertEquals(bytes, done.getLast());
    assertEquals(done.stream().sorted().toList(), done);
  }

  @Test
  void severalThreadsOfOneProcessShareADownload() throws Exception {
    List<Thread> threads = new ArrayList<>();
    List<Throwable> failures = java.util.Collections.synchronizedList(new ArrayList<>());
    HubClient client = new HubClient(fixture.settings(), Pause.real(), java.time.Clock.systemUTC());
    for (int i = 0; i < 4; i++) {
      Thread thread =
          Thread.ofPlatform()
              .uncaughtExceptionHandler((_, failure) -> failures.add(failure))
              .start(() -> client.download(MAIN, FileChoice.usual(), HubListener.silent()));
      threads.add(thread);
    }
    for (Thread thread : threads) {
      thread.join();
    }

    assertEquals(List.of(), failures);
    assertEquals(1, hub.seen(StubHub.stored("model.safetensors")).size());
    assertArrayEquals(random(300_000, 1), bytes(fixture.snapshot().resolve("model.safetensors")));
  }
}
