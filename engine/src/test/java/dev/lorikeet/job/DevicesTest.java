package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.ConfigException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Names of devices, and where the kernels of a GPU are kept. */
final class DevicesTest {

  @ParameterizedTest
  @ValueSource(strings = {"cuda:", "cuda:x", "cuda:-1", "cuda:128", "cuda0", "tpu"})
  void namesThatAreNoneAreRefused(String name) {
    ConfigException refused = assertThrows(ConfigException.class, () -> Devices.open(name));
    assertTrue(refused.getMessage().contains("found " + name), refused::getMessage);
  }

  @Test
  void compiledKernelsAreKeptWhereCachesBelong() {
    assertEquals(
        Path.of("/caches/lorikeet/kernels"),
        Devices.kernelCache(Map.of("XDG_CACHE_HOME", "/caches"), "/home/someone"));
    assertEquals(
        Path.of("/home/someone/.cache/lorikeet/kernels"),
        Devices.kernelCache(Map.of("XDG_CACHE_HOME", " "), "/home/someone"));
  }
}
