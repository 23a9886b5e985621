package dev.lorikeet.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.FlashAttention.Ask;
import dev.lorikeet.torch.TorchDevice;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class FlashRuleTest {
  private static final AttentionShape SHAPE = AttentionShape.causal(8, 2, 64);

  @ParameterizedTest
  @CsvSource({
    "75, FLOAT16, false",
    "80, FLOAT32, false",
    "80, BFLOAT16, true",
    "80, FLOAT16, true",
    "120, BFLOAT16, true"
  })
  void itIsForTwoBytesFromAmpereOn(int architecture, DType format, boolean has) {
    assertEquals(has, FlashRule.has(architecture, format));
  }

  @Test
  @Tag("native")
  void theHostHasNone() {
    try (TorchDevice device = TorchDevice.standIn(Optional.empty(), DType.BFLOAT16)) {
      assertTrue(FlashRule.of(device).isEmpty());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {8, 64, 96, 128, 256})
  void itTakesHeadsOfMultiplesOfEight(int dim) {
    assertTrue(ask(AttentionShape.causal(8, 2, dim), packed(5)).isPresent());
  }

  @ParameterizedTest
  @ValueSource(ints = {6, 12, 100, 264})
  void otherHeadsAreTheFormulas(int dim) {
    assertFalse(ask(AttentionShape.causal(8, 2, dim), packed(5)).isPresent());
  }

  @Test
  void softCapsAreTheFormulas() {
    assertFalse(ask(new AttentionShape(8, 2, 64, 0.1f, 0, 30), packed(5)).isPresent());
  }

  @Test
  void itIsToldOfHeadsAndWindow() {
    AttentionShape shape = new AttentionShape(8, 2, 64, 0.1f, 7, 0);
    Ask ask = ask(shape, packed(5, 2)).orElseThrow();
    assertEquals(8, ask.heads().queries());
    assertEquals(2, ask.heads().keys());
    assertEquals(64, ask.heads().dim());
    assertEquals(0.1f, ask.heads().scale());
    assertEquals(OptionalInt.of(7), ask.heads().window());
    assertEquals(OptionalInt.empty(), ask(SHAPE, packed(5, 2)).orElseThrow().heads().window());
  }

  @Test
  void itIsToldWhereSequencesBegin() {
    Segments longer =
        new Segments(new int[] {0, 3}, new int[] {3, 4}, new int[] {0, 9}, new int[] {9, 4});
    Ask ask = FlashRule.ask(SHAPE, longer, 7, 13).orElseThrow();
    assertArrayEquals(new int[] {0, 3, 7}, ask.packing().queryOffsets());
    assertArrayEquals(new int[] {0, 9, 13}, ask.packing().keyOffsets());
    assertEquals(4, ask.packing().longestQuery());
    assertEquals(9, ask.packing().longestKey());
  }

  @Test
  void gapsAndSingleQueriesAreTheFormulas() {
    Segments gap = Segments.packed(new int[] {0, 4}, new int[] {3, 4});
    assertFalse(FlashRule.ask(SHAPE, gap, 8, 8).isPresent());
    assertFalse(FlashRule.ask(SHAPE, packed(5), 6, 5).isPresent());
    assertFalse(FlashRule.ask(SHAPE, packed(5), 5, 6).isPresent());
    assertFalse(ask(SHAPE, packed(1, 1)).isPresent());
    assertFalse(FlashRule.ask(SHAPE, packed(), 0, 0).isPresent());
    Segments cached = new Segments(new int[] {0}, new int[] {2}, new int[] {8}, new int[] {6});
    assertFalse(FlashRule.ask(SHAPE, cached, 2, 14).isPresent());
  }

  private static Segments packed(int... lengths) {
    int[] starts = new int[lengths.length];
    for (int s = 1; s < starts.length; s++) {
      starts[s] = starts[s - 1] + lengths[s - 1];
    }
    return Segments.packed(starts, lengths);
  }

  private static Optional<Ask> ask(AttentionShape shape, Segments segments) {
    int last = segments.count() - 1;
    long rows = segments.queryStart(last) + (long) segments.queryLength(last);
    return FlashRule.ask(shape, segments, rows, rows);
  }
}
