package dev.lorikeet.tape;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.fixture.TinyLlama;
import dev.lorikeet.fixture.TinyLlama.Training;
import dev.lorikeet.nn.PassOptions;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.MemoryLedger;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The shape-only device keeps the very books of the CPU: a plan cannot drift from a run. */
@Tag("native")
final class PlanTest {

  @ParameterizedTest
  @CsvSource({
    "ALL,0,false,1",
    "ALL,0,true,2",
    "LORA,0,false,2",
    "LORA,0.1,false,1",
    "LORA,0.1,true,3",
    "QLORA,0.1,false,1",
    "QLORA,0.1,true,2",
    "DORA,0,false,2",
    "DORA,0,true,1",
    "DORA,0.1,false,2",
    "DORA,0.1,true,2"
  })
  void shapesCountExactlyWhatTheCpuAllocates(
      Training training, double dropout, boolean recompute, int threads) {
    PassOptions options = new PassOptions(Optional.empty(), TinyLlama.dropout(), recompute);
    Books planned = run(Device.shapeOnly(threads), training, dropout, options);
    Books measured = run(Device.cpu(threads), training, dropout, options);
    assertEquals(measured, planned);
    assertTrue(measured.peakBytes > measured.currentBytes, "the pass held memory of its own");
  }

  private record Books(long currentBytes, long peakBytes, long allocations) {}

  private static Books run(Device device, Training training, double dropout, PassOptions options) {
    try (device;
        TinyLlama llama = new TinyLlama(device, training, dropout)) {
      llama.forwardAndBackward(options);
      llama.forwardAndBackward(options);
      MemoryLedger books = device.memory();
      return new Books(books.currentBytes(), books.peakBytes(), books.allocations());
    }
  }
}
