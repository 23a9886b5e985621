package dev.lorikeet.tape;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.fixture.TinyLlama;
import dev.lorikeet.fixture.TinyLlama.Training;
import dev.lorikeet.nn.Pass;
import dev.lorikeet.nn.PassOptions;
import dev.lorikeet.nn.Sequences;
import dev.lorikeet.tape.Tape.Mode;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.FailingDevice;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whatever fails, wherever it fails: the books are even afterwards. */
final class FailureTest {

  @ParameterizedTest
  @CsvSource({
    "ALL,0,false",
    "ALL,0,true",
    "LORA,0,false",
    "LORA,0.1,false",
    "LORA,0.1,true",
    "QLORA,0.1,false",
    "QLORA,0.1,true"
  })
  void nothingLeaksWhereverMemoryRunsOut(Training training, double dropout, boolean recompute) {
    PassOptions options = new PassOptions(Optional.empty(), TinyLlama.dropout(), recompute);
    long events = 0;
    boolean failed = true;
    while (failed) {
      try (FailingDevice device = new FailingDevice(events)) {
        failed = fails(device, training, dropout, options);
        assertEquals(
            0, device.memory().currentBytes(), "bytes left after a failure at event " + events);
      }
      events++;
    }
    assertTrue(events > 100, "only " + events + " places were tried");
  }

  private static boolean fails(
      FailingDevice device, Training training, double dropout, PassOptions options) {
    try (TinyLlama llama = new TinyLlama(device, training, dropout)) {
      llama.forwardAndBackward(options);
      return false;
    } catch (FailingDevice.Failure expected) {
      return true;
    }
  }

  @Test
  @Tag("native")
  void nothingLeaksWhenAKernelRefusesItsInput() {
    try (Device device = Device.cpu(2);
        TinyLlama llama = new TinyLlama(device, Training.LORA, 0)) {
      long before = device.memory().currentBytes();
      Sequences outOfVocabulary = Sequences.of(1, TinyLlama.CONFIG.vocabSize());
      assertThrows(IllegalStateException.class, () -> hidden(device, llama, outOfVocabulary));
      assertEquals(before, device.memory().currentBytes());
      Sequences tooLong = Sequences.of(new int[TinyLlama.CONFIG.maxPositionEmbeddings() + 1]);
      assertThrows(IllegalStateException.class, () -> hidden(device, llama, tooLong));
      assertEquals(before, device.memory().currentBytes());
    }
  }

  private static void hidden(Device device, TinyLlama llama, Sequences sequences) {
    try (Pass pass = new Pass(device, Mode.RECORD, sequences, PassOptions.none())) {
      llama.model().hidden(pass);
    }
  }
}
