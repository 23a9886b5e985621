package dev.lorikeet.hub;

import static dev.lorikeet.hub.HubFixture.SECRET;
import static dev.lorikeet.hub.HubFixture.assertSays;
import static dev.lorikeet.hub.HubFixture.bytes;
import static dev.lorikeet.hub.HubFixture.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.LorikeetException;
import dev.lorikeet.error.RunException;
import dev.lorikeet.hub.StubHub.Answer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a hub refuses, and bytes that are not those it announced. */
final class HubFailureTest {
  private static final String WEIGHTS = "model.safetensors";

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

  private void assertWhole() {
    assertArrayEquals(random(300_000, 1), bytes(fixture.snapshot().resolve(WEIGHTS)));
    assertTrue(fixture.blobs().stream().noneMatch(name -> name.endsWith("incomplete")));
  }

  /** The model is not there under any name that somebody could take for it. */
  private void assertNotTakenForWhole() {
    assertFalse(Files.exists(fixture.snapshot().resolve(WEIGHTS)));
    assertFalse(Files.exists(fixture.repo().resolve("refs/main")));
    assertFalse(fixture.blobs().contains(StubHub.etag(random(300_000, 1), true)));
    assertEquals(java.util.Optional.empty(), fixture.client().cache().find(HubFixture.MAIN));
  }

  private ConfigException refused(String... said) {
    ConfigException failure = assertThrows(ConfigException.class, fixture::download);
    assertSays(failure, said);
    return failure;
  }

  private static Answer[] times(int count, Answer answer) {
    Answer[] all = new Answer[count];
    Arrays.fill(all, answer);
    return all;
  }

  // ---- wrong bytes

  @Test
  void wrongBytesAreFetchedOnceMore() {
    hub.next(StubHub.stored(WEIGHTS), StubHub.body(random(300_000, 8)));

    fixture.download();

    assertWhole();
  }

  @Test
  void wrongBytesTwiceAreAFailureAndNothingStays() {
    hub.next(StubHub.stored(WEIGHTS), times(2, StubHub.body(random(300_000, 8))));

    RunException failure = assertThrows(RunException.class, fixture::download);

    assertSays(
        failure,
        hub.cdn().toString(),
        WEIGHTS,
        "SHA-256 " + StubHub.etag(random(300_000, 8), true),
        "instead of " + StubHub.etag(random(300_000, 1), true));
    assertNotTakenForWhole();
    assertEquals(
        0,
        bytes(
                PartialBlob.file(
                    fixture.repo().resolve("blobs/" + StubHub.etag(random(300_000, 1), true))))
            .length);
  }

  @Test
  void wrongBytesOfASmallFileAreFoundByGitsSum() {
    byte[] wrong = "{\"model_type\": \"lIama\"}".getBytes(StandardCharsets.UTF_8);
    hub.next(hub.resolve("config.json"), times(2, StubHub.body(wrong)));

    assertSays(assertThrows(RunException.class, fixture::download), "config.json", "SHA-1 ");
    assertFalse(Files.exists(fixture.snapshot().resolve("config.json")));
  }

  @Test
  void tooManyAndTooFewBytesAreWrong() {
    hub.next(StubHub.stored(WEIGHTS), times(2, StubHub.body(random(300_001, 1))));
    assertSays(
        assertThrows(RunException.class, fixture::download), "300001 bytes instead of 300000");

    hub.next(StubHub.stored(WEIGHTS), times(2, StubHub.body(random(299_999, 1))));
    assertSays(
        assertThrows(RunException.class, fixture::download), "299999 bytes instead of 300000");

    // Without a length only the end tells.
    Answer endless =
        exchange -> {
          exchange.sendResponseHeaders(200, 0);
          exchange.getResponseBody().write(random(400_000, 1));
          exchange.close();
        };
    hub.next(StubHub.stored(WEIGHTS), times(2, endless));
    assertSays(
        assertThrows(RunException.class, fixture::download), "more than the announced 300000");
    assertNotTakenForWhole();
  }

  @Test
  void compressedBytesAreNotTakenForTheFile() {
    hub.next(
        hub.resolve("config.json"),
        times(2, StubHub.body(random(24, 3), "Content-Encoding", "gzip")));

    assertSays(assertThrows(RunException.class, fixture::download), "compressed bytes");
  }

  @Test
  void fileNamesThatLeaveTheFolderAreRefused() {
    for (String name : List.of("../evil", "/etc/evil", "a/../../evil", "a\\b", "C:evil", "a//b")) {
      hub.file(name, "evil");

      RunException failure = assertThrows(RunException.class, fixture::download);

      assertSays(failure, "the file name", "nothing of it is used");
      assertFalse(Files.exists(fixture.repo().resolve("snapshots")));
      hub.remove(name);
    }
  }

  @Test
  void aCommitThatIsNoneIsRefused() {
    hub.next(
        hub.api("/revision/main"),
        StubHub.body("{\"sha\": \"../../../evil\"}".getBytes(StandardCharsets.UTF_8)));
    assertSays(assertThrows(RunException.class, fixture::download), "no commit");

    hub.next(hub.api("/revision/main"), StubHub.body("<html>".getBytes(StandardCharsets.UTF_8)));
    assertSays(assertThrows(RunException.class, fixture::download), "not JSON", "HF_ENDPOINT");
  }

  // ---- refusals

  @Test
  void aWrongTokenIsExplained() {
    hub.next(
        hub.api("/revision/main"),
        StubHub.status(401, "X-Error-Message", "Invalid credentials: Bearer " + SECRET));

    refused("does not accept the access token from HF_TOKEN (401)", "***", "/settings/tokens");
  }

  @Test
  void aMissingTokenIsExplained() {
    fixture.environment.remove("HF_TOKEN");
    hub.next(hub.api("/revision/main"), StubHub.status(401));

    refused("misspelt", "private or gated", "HF_TOKEN", hub.endpoint() + "/settings/tokens");
  }

  @Test
  void aGatedRepositoryNamesThePageToAskAt() {
    hub.next(hub.resolve("config.json"), StubHub.status(403, "X-Error-Code", "GatedRepo"));
    refused(
        "parrots/tiny is gated (403)",
        hub.endpoint() + "/parrots/tiny",
        "account of the access token from HF_TOKEN");

    fixture.environment.remove("HF_TOKEN");
    hub.next(hub.resolve("config.json"), StubHub.status(401, "X-Error-Code", "GatedRepo"));
    refused("is gated (401)", "accept the terms", "set HF_TOKEN");
  }

  @Test
  void aTokenWithoutPermissionIsExplained() {
    hub.next(hub.api("/revision/main"), StubHub.status(403));

    refused("the access token from HF_TOKEN may not read parrots/tiny (403)");
  }

  @Test
  void whatIsMissingIsNamed() {
    hub.next(hub.api("/revision/main"), StubHub.status(404, "X-Error-Code", "RepoNotFound"));
    refused("has no repository parrots/tiny (404)", "private");

    ConfigException revision =
        assertThrows(
            ConfigException.class,
            () ->
                fixture
                    .client()
                    .download(
                        RepoReference.parse("parrots/tiny@v7"),
                        FileChoice.usual(),
                        fixture.listener()));
    assertSays(revision, "has no revision 'v7' (404)", "/parrots/tiny/tree/main");

    hub.next(hub.resolve("config.json"), StubHub.status(404, "X-Error-Code", "EntryNotFound"));
    refused("has no file config.json");
    assertNotTakenForWhole();
  }

  // ---- waiting

  @Test
  void tooManyRequestsAreWaitedFor() {
    hub.next(
        hub.api("/revision/main"),
        StubHub.status(429, "Retry-After", "7"),
        StubHub.status(429, "Retry-After", "Sun, 22 Nov 2026 18:00:09 GMT"),
        StubHub.status(429, "RateLimit", "\"api\";r=0;t=55"),
        StubHub.status(429));

    fixture.download();

    assertWhole();
    assertEquals(
        List.of(7L, 9L, 55L, 8L), fixture.pauses.stream().map(Duration::toSeconds).toList());
    assertTrue(fixture.notices.getFirst().contains("too many requests (429); trying again in 7 s"));
  }

  @Test
  void waitingHasALimit() {
    hub.next(hub.api("/revision/main"), StubHub.status(429, "Retry-After", "3600"));
    RunException failure = assertThrows(RunException.class, fixture::download);
    assertSays(failure, "429", "60 min", "Run again then");
    assertEquals(List.of(), fixture.pauses);

    fixture.environment.remove("HF_TOKEN");
    hub.next(hub.api("/revision/main"), times(5, StubHub.status(429, "Retry-After", "1")));
    assertSays(
        assertThrows(RunException.class, fixture::download),
        "after 5 attempts",
        "With a token in HF_TOKEN the hub allows more");
  }

  @Test
  void failuresOfTheServerAreTriedAgain() {
    hub.next(StubHub.stored(WEIGHTS), StubHub.status(503), StubHub.status(500));

    fixture.download();

    assertWhole();
    assertEquals(List.of(1L, 2L), fixture.pauses.stream().map(Duration::toSeconds).toList());
  }

  @Test
  void failuresThatStayAreTold() {
    hub.next(StubHub.stored(WEIGHTS), times(5, StubHub.status(502)));

    assertSays(
        assertThrows(RunException.class, fixture::download),
        hub.cdn().toString(),
        "(502)",
        "5 attempts");
    assertNotTakenForWhole();
  }

  @Test
  void messagesNeverHoldTheQueryOfASignedAddress() {
    hub.next(StubHub.stored(WEIGHTS), StubHub.status(403));

    LorikeetException failure = assertThrows(LorikeetException.class, fixture::download);

    assertFalse(failure.getMessage().contains("signature"), failure.getMessage());
    assertSays(failure, hub.cdn().toString(), "where the hub sent us, answered with status 403");
  }

  @Test
  void aDiskThatIsTooSmallIsToldBeforeTheFirstByte() {
    String huge =
        "[{\"type\": \"file\", \"path\": \"model.safetensors\", \"size\": %d, \"oid\": \"%s\"}]"
            .formatted(Long.MAX_VALUE / 4, "0".repeat(40));
    hub.next(
        hub.api("/tree/" + StubHub.COMMIT), StubHub.body(huge.getBytes(StandardCharsets.UTF_8)));

    RunException failure = assertThrows(RunException.class, fixture::download);

    assertSays(failure, "needs 2,305,843,009,213.7 MB more", "are free in", "HF_HUB_CACHE");
    assertEquals(List.of(), hub.seen(hub.resolve(WEIGHTS)));
  }

  @Test
  void aFailureLeavesTheOtherFilesForLater() {
    fixture.environment.put("HF_HUB_OFFLINE", "0");
    hub.next(hub.resolve("config.json"), StubHub.status(404, "X-Error-Code", "EntryNotFound"));
    HubClient one = fixture.client(fixture.settings().parallel(1));
    assertThrows(
        ConfigException.class,
        () -> one.download(HubFixture.MAIN, FileChoice.usual(), fixture.listener()));

    Downloaded second = one.download(HubFixture.MAIN, FileChoice.usual(), fixture.listener());

    assertWhole();
    assertEquals(4, second.files());
  }
}
