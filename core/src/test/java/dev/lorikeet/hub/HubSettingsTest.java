package dev.lorikeet.hub;

import static dev.lorikeet.hub.HubFixture.SECRET;
import static dev.lorikeet.hub.HubFixture.assertSays;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.hub.HubSettings.Links;
import dev.lorikeet.hub.HubSettings.Network;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class HubSettingsTest {
  @TempDir private Path home;

  private static HubSettings of(String... variables) {
    Map<String, String> environment = new java.util.HashMap<>(Map.of("HOME", "/home/ada"));
    for (int i = 0; i < variables.length; i += 2) {
      environment.put(variables[i], variables[i + 1]);
    }
    return HubSettings.of(environment);
  }

  @Test
  void theCacheIsWhereHuggingFacesToolsHaveIt() {
    assertEquals(Path.of("/home/ada/.cache/huggingface/hub"), of().cache());
    assertEquals(Path.of("/x/huggingface/hub"), of("XDG_CACHE_HOME", "/x").cache());
    assertEquals(Path.of("/h/hub"), of("HF_HOME", "/h", "XDG_CACHE_HOME", "/x").cache());
    assertEquals(Path.of("/c"), of("HF_HUB_CACHE", "/c", "HF_HOME", "/h").cache());
    assertEquals(Path.of("/old"), of("HUGGINGFACE_HUB_CACHE", "/old", "HF_HOME", "/h").cache());
    assertEquals(Path.of("/home/ada/models"), of("HF_HUB_CACHE", "~/models").cache());
    assertEquals(Path.of("/home/ada/.cache/huggingface/hub"), of("HF_HOME", " ").cache());
  }

  @Test
  void theHubIsThePublicOneUnlessSaidOtherwise() {
    assertEquals("https://huggingface.co", of().endpoint().toString());
    assertEquals(
        "https://mirror.example/hf",
        of("HF_ENDPOINT", "https://mirror.example/hf//").endpoint().toString());
  }

  @Test
  void addressesThatAreNoneAreRefusedWithoutShowingThem() {
    for (String bad :
        List.of(
            "mirror.example",
            "ftp://mirror.example",
            "https://ada:pass@mirror.example",
            "https://mirror.example?x=pass",
            "https:// pass",
            "https:///pass")) {
      ConfigException failure =
          assertThrows(ConfigException.class, () -> of("HF_ENDPOINT", bad), bad);
      assertSays(failure, "HF_ENDPOINT");
      assertFalse(failure.getMessage().contains("pass"), failure.getMessage());
    }
  }

  @Test
  void offlineIsSaidByEitherVariable() {
    assertEquals(Network.ONLINE, of().network());
    assertEquals(Network.OFFLINE, of("HF_HUB_OFFLINE", "1").network());
    assertEquals(Network.OFFLINE, of("HF_HUB_OFFLINE", "true").network());
    assertEquals(Network.ONLINE, of("HF_HUB_OFFLINE", "0").network());
    assertEquals(Network.OFFLINE, of("TRANSFORMERS_OFFLINE", "yes").network());
    assertEquals(Network.ONLINE, of("HF_HUB_OFFLINE", "0", "TRANSFORMERS_OFFLINE", "1").network());
    assertEquals(Network.OFFLINE, of().offline().network());
    assertEquals(Links.COPIES, of("HF_HUB_DISABLE_SYMLINKS", "1").links());
  }

  @Test
  void theTokenComesFromAVariableOrAFile() throws IOException {
    assertEquals(Optional.empty(), of("HF_HOME", home.toString()).token());
    assertEquals(
        "HF_TOKEN",
        of("HF_TOKEN", SECRET, "HUGGING_FACE_HUB_TOKEN", "x").token().orElseThrow().source());
    assertEquals(
        "HUGGING_FACE_HUB_TOKEN", of("HUGGING_FACE_HUB_TOKEN", "x").token().orElseThrow().source());
    Path file = Files.writeString(home.resolve("token"), SECRET + "\n");
    assertEquals(file.toString(), of("HF_HOME", home.toString()).token().orElseThrow().source());
    Path other = Files.writeString(home.resolve("mine"), SECRET);
    assertEquals(
        other.toString(), of("HF_TOKEN_PATH", other.toString()).token().orElseThrow().source());
    assertEquals(
        Optional.empty(), of("HF_TOKEN", SECRET, "HF_HUB_DISABLE_IMPLICIT_TOKEN", "1").token());
  }

  @Test
  void aTokenThatCannotBeOneIsNotShown() {
    ConfigException failure =
        assertThrows(ConfigException.class, () -> of("HF_TOKEN", SECRET + "\nHost: evil"));

    assertSays(failure, "the access token from HF_TOKEN", "copy it again");
  }

  @Test
  void settingsAreShownWithoutTheToken() {
    HubSettings settings = of("HF_TOKEN", SECRET);

    assertTrue(settings.toString().contains("access token from HF_TOKEN"), settings.toString());
    assertFalse(settings.toString().contains(SECRET), settings.toString());
    assertEquals("a *** b", settings.shown("a\n" + SECRET + "\u001b b"));
    assertEquals(200, settings.shown("x".repeat(1000)).length());
  }

  @Test
  void thereIsALimitOfFilesAtATime() {
    assertEquals(4, of().parallelFiles());
    assertEquals(1, of().parallel(1).parallelFiles());
    assertThrows(ConfigException.class, () -> of().parallel(0));
    assertThrows(ConfigException.class, () -> of().parallel(65));
  }

  @Test
  void theTokenIsInNoLogAndNoTraceOfAnyFailure() throws IOException {
    List<String> logged = Collections.synchronizedList(new ArrayList<>());
    Logger logger = Logger.getLogger("dev.lorikeet.hub");
    Handler handler = keeping(logged);
    Level before = logger.getLevel();
    logger.setLevel(Level.ALL);
    logger.addHandler(handler);
    try (HubFixture fixture = new HubFixture(home)) {
      fixture.model();
      String echo = "Bearer " + SECRET;
      for (int status : new int[] {400, 401, 403, 404, 418, 429, 503}) {
        StubHub.Answer[] answers = new StubHub.Answer[5];
        java.util.Arrays.fill(
            answers, StubHub.status(status, "X-Error-Message", echo, "Retry-After", "1"));
        fixture.hub.next(fixture.hub.api("/revision/main"), answers);
        RuntimeException failure = assertThrows(RuntimeException.class, fixture::download);
        StringWriter trace = new StringWriter();
        failure.printStackTrace(new PrintWriter(trace));
        logged.add(trace.toString());
        fixture.hub.clearAnswers();
      }
      fixture.hub.next(
          fixture.hub.resolve("config.json"), StubHub.redirect("http://" + SECRET + " x/"));
      logged.add(assertThrows(RuntimeException.class, fixture::download).toString());
      fixture.hub.clearAnswers();
      fixture.download();
      logged.addAll(fixture.notices);
    } finally {
      logger.removeHandler(handler);
      logger.setLevel(before);
    }
    assertTrue(logged.stream().anyMatch(line -> line.contains("status=200")), logged::toString);
    assertEquals(List.of(), logged.stream().filter(line -> line.contains(SECRET)).toList());
    assertEquals(List.of(), logged.stream().filter(line -> line.contains("signature=")).toList());
  }

  private static Handler keeping(List<String> lines) {
    return new Handler() {
      @Override
      public void publish(LogRecord event) {
        lines.add(event.getMessage());
      }

      @Override
      public void flush() {}

      @Override
      public void close() {}
    };
  }
}
