package dev.lorikeet.hub;

import static dev.lorikeet.hub.HubFixture.assertSays;
import static dev.lorikeet.hub.HubFixture.bytes;
import static dev.lorikeet.hub.HubFixture.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.RunException;
import dev.lorikeet.hub.StubHub.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Connections that break, and what of a file is used again. */
final class HubResumeTest {
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

  private static Answer[] times(int count, Answer answer) {
    Answer[] all = new Answer[count];
    Arrays.fill(all, answer);
    return all;
  }

  @Test
  void aConnectionThatBreaksIsTakenUpWhereItBroke() {
    hub.next(
        StubHub.stored(WEIGHTS), hub.cutAfter(WEIGHTS, 100_000), hub.cutAfter(WEIGHTS, 50_000));

    fixture.download();

    assertWhole();
    var requests = hub.seen(StubHub.stored(WEIGHTS));
    assertEquals(3, requests.size());
    assertEquals("bytes=100000-", requests.get(1).header("range").orElse(""));
    assertEquals("bytes=150000-", requests.get(2).header("range").orElse(""));
    assertEquals(hub.tag(WEIGHTS), requests.get(1).header("if-range").orElse(""));
    assertEquals(List.of(Duration.ofSeconds(1), Duration.ofSeconds(1)), fixture.pauses);
    assertEquals(
        "model.safetensors of parrots/tiny: the connection broke after 100000 of 300000 bytes;"
            + " trying again in 1 s",
        fixture.notices.getFirst());
  }

  @Test
  void patienceEndsWhenNothingNewComes() {
    hub.next(StubHub.stored(WEIGHTS), hub.cutAfter(WEIGHTS, 100_000));
    hub.next(StubHub.stored(WEIGHTS), times(10, hub.cutAfter(WEIGHTS, 0)));

    RunException failure = assertThrows(RunException.class, fixture::download);

    assertSays(failure, WEIGHTS, "what came so far is kept", "5 attempts");
    assertNotTakenForWhole();
    Path partial =
        PartialBlob.file(fixture.repo().resolve("blobs/" + StubHub.etag(random(300_000, 1), true)));
    assertArrayEquals(Arrays.copyOf(random(300_000, 1), 100_000), bytes(partial));
  }

  @Test
  void theNextDownloadTakesUpWhatTheLastOneLeft() {
    hub.next(StubHub.stored(WEIGHTS), hub.cutAfter(WEIGHTS, 100_000));
    hub.next(StubHub.stored(WEIGHTS), times(10, hub.cutAfter(WEIGHTS, 0)));
    assertThrows(RunException.class, fixture::download);
    hub.clearAnswers();
    hub.forget();

    fixture.download();

    assertWhole();
    assertEquals(
        "bytes=100000-", hub.seen(StubHub.stored(WEIGHTS)).getLast().header("range").orElse(""));
  }

  @Test
  void aBeginningWithOtherBytesIsFoundOut() throws IOException {
    Path blob = fixture.repo().resolve("blobs/" + StubHub.etag(random(300_000, 1), true));
    Files.createDirectories(blob.getParent());
    Files.write(PartialBlob.file(blob), random(1000, 99));

    fixture.download();

    assertWhole();
    assertTrue(fixture.notices.getFirst().contains("SHA-256"), fixture.notices::toString);
    assertEquals(2, hub.seen(StubHub.stored(WEIGHTS)).size());
  }

  @Test
  void aBlobThatSomebodyLeftShortIsFetchedAgain() throws IOException {
    Path blob = fixture.repo().resolve("blobs/" + StubHub.etag(random(300_000, 1), true));
    Files.createDirectories(blob.getParent());
    Files.write(blob, Arrays.copyOf(random(300_000, 1), 1000));

    fixture.download();

    assertWhole();
  }

  @Test
  void aServerThatIgnoresRangesStartsTheFileAgain() {
    hub.next(
        StubHub.stored(WEIGHTS), hub.cutAfter(WEIGHTS, 100_000), StubHub.body(random(300_000, 1)));

    fixture.download();

    assertWhole();
  }

  @Test
  void anotherPartThanAskedForIsNotUsed() {
    byte[] weights = random(300_000, 1);
    byte[] later = Arrays.copyOfRange(weights, 100_001, 300_000);
    for (String wrong :
        List.of("bytes 100001-299999/300000", "bytes 100000-299998/299999", "nonsense")) {
      hub.next(StubHub.stored(WEIGHTS), hub.cutAfter(WEIGHTS, 100_000), StubHub.part(later, wrong));

      fixture.download();

      assertWhole();
      assertTrue(
          fixture.notices.removeLast().contains("another part than it was asked for"),
          fixture.notices::toString);
      assertEquals("", hub.seen(StubHub.stored(WEIGHTS)).getLast().header("range").orElse(""));
      hub.forget();
      fixture.client().cache().remove(HubFixture.MAIN.repo());
    }
  }

  @Test
  void aFileThatChangedInTheMeantimeStartsAgain() {
    byte[] rest = Arrays.copyOfRange(random(300_000, 7), 100_000, 300_000);
    hub.next(
        StubHub.stored(WEIGHTS),
        hub.cutAfter(WEIGHTS, 100_000),
        StubHub.part(rest, "bytes 100000-299999/300000", "ETag", "\"another\""));

    fixture.download();

    assertWhole();
    assertTrue(
        fixture.notices.stream().anyMatch(text -> text.contains("the file changed on the server")),
        fixture.notices::toString);
  }

  @Test
  void anEntityTagThatChangedBringsTheWholeFile() {
    // The server obeys If-Range: it sees another tag than its own and sends all.
    hub.next(
        StubHub.stored(WEIGHTS),
        exchange -> {
          exchange.getResponseHeaders().set("ETag", "\"old\"");
          exchange.sendResponseHeaders(200, 300_000);
          exchange.getResponseBody().write(random(300_000, 7), 0, 100_000);
          exchange.close();
        });

    fixture.download();

    assertWhole();
    assertEquals(
        "\"old\"", hub.seen(StubHub.stored(WEIGHTS)).getLast().header("if-range").orElse(""));
  }

  @Test
  void aRangeThatIsRefusedStartsAgain() {
    hub.next(StubHub.stored(WEIGHTS), hub.cutAfter(WEIGHTS, 100_000), StubHub.status(416));

    fixture.download();

    assertWhole();
  }

  @Test
  void aServerThatFallsSilentIsLeft() {
    fixture.patience(
        new Patience(
            3,
            Duration.ofSeconds(1),
            Duration.ofMinutes(5),
            Duration.ofSeconds(5),
            Duration.ofMillis(1500)));
    hub.next(
        StubHub.stored(WEIGHTS),
        exchange -> {
          exchange.sendResponseHeaders(200, 300_000);
          exchange.getResponseBody().write(random(300_000, 1), 0, 100_000);
          exchange.getResponseBody().flush();
          try {
            Thread.sleep(6000);
          } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
          }
        });

    fixture.download();

    assertWhole();
    assertTrue(
        fixture.notices.stream().anyMatch(text -> text.contains("no byte came")),
        fixture.notices::toString);
  }

  @Test
  void aHubThatIsNotThereIsToldAfterSomeAttempts() {
    fixture.environment.put("HF_ENDPOINT", "http://localhost:1");

    RunException failure = assertThrows(RunException.class, fixture::download);

    assertSays(failure, "http://localhost:1", "nobody answers there", "HF_ENDPOINT", "--offline");
    assertEquals(
        List.of(1L, 2L, 4L, 8L), fixture.pauses.stream().map(Duration::toSeconds).toList());
  }

  @Test
  void aStoppedDownloadKeepsWhatCame() throws InterruptedException {
    CountDownLatch sending = new CountDownLatch(1);
    hub.next(
        StubHub.stored(WEIGHTS),
        exchange -> {
          exchange.sendResponseHeaders(200, 300_000);
          exchange.getResponseBody().write(random(300_000, 1), 0, 100_000);
          exchange.getResponseBody().flush();
          sending.countDown();
          try {
            TimeUnit.SECONDS.sleep(8);
          } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
          }
        });
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread thread =
        Thread.ofPlatform()
            .uncaughtExceptionHandler((_, thrown) -> failure.set(thrown))
            .start(fixture::download);
    sending.await();
    Path partial =
        PartialBlob.file(fixture.repo().resolve("blobs/" + StubHub.etag(random(300_000, 1), true)));
    while (!Files.exists(partial) || bytes(partial).length < 100_000) {
      TimeUnit.MILLISECONDS.sleep(5);
    }

    thread.interrupt();
    thread.join();

    assertSays(Objects.requireNonNull(failure.get()), "was stopped; what came so far is kept");
    assertArrayEquals(Arrays.copyOf(random(300_000, 1), 100_000), bytes(partial));
    assertNotTakenForWhole();
  }
}
