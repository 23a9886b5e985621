package dev.lorikeet.nn;

import static dev.lorikeet.fixture.Rounding.U;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.TinyLlama;
import dev.lorikeet.fixture.TinyLlama.Training;
import dev.lorikeet.kernel.AttentionShape;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.tape.Tape.Mode;
import dev.lorikeet.tape.Var;
import dev.lorikeet.torch.Device;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("native")
final class KvCacheTest {
  /** Half of a gradient's: 20 operations with sums of at most 53 terms, 5·√(20·53) roundings. */
  private static final double TOLERANCE = 163 * U;

  @Test
  void prefillAndDecodeGiveTheLogitsOfOnePass() {
    try (Device device = Device.cpu(2);
        TinyLlama llama = new TinyLlama(device, Training.LORA, 0);
        KvCache cache = cache(device, llama.model(), 1)) {
      int[] tokens = tokens(0, 29);
      float[] full = full(device, llama.model(), tokens);
      int at = 0;
      for (int count : new int[] {13, 1, 1, 7, 1, 6}) {
        int[] next = Arrays.copyOfRange(tokens, at, at + count);
        float[] logits =
            cached(device, llama.model(), cache, next, new int[] {0}, new int[] {count});
        assertRows(full, at, logits, 0, count, "tokens " + at);
        at += count;
        assertEquals(at, cache.length(0));
      }
    }
  }

  /** Slots of other lengths, joining and leaving, in any order: each is as if it were alone. */
  @Test
  void slotsOfDifferentLengthsDoNotSeeEachOther() {
    try (Device device = Device.cpu(2);
        TinyLlama llama = new TinyLlama(device, Training.ALL, 0);
        KvCache cache = cache(device, llama.model(), 3)) {
      int[][] texts = {tokens(1, 20), tokens(2, 17), tokens(3, 9)};
      float[][] full = new float[3][];
      for (int slot = 0; slot < 3; slot++) {
        full[slot] = full(device, llama.model(), texts[slot]);
      }
      int[][][] passes = {
        {{0, 13}}, {{2, 1}, {1, 7}}, {{0, 1}, {1, 1}, {2, 1}}, {{2, 5}, {0, 6}}, {{1, 9}, {2, 2}}
      };
      for (int[][] pass : passes) {
        continuePass(device, llama.model(), cache, texts, full, pass);
      }
      assertEquals(20, cache.length(0));
      assertEquals(17, cache.length(1));
      assertEquals(9, cache.length(2));
    }
  }

  private static void continuePass(
      Device device, CausalLm model, KvCache cache, int[][] texts, float[][] full, int[][] pass) {
    int[] slots = new int[pass.length];
    int[] counts = new int[pass.length];
    int[] past = new int[pass.length];
    int[] tokens = new int[0];
    for (int s = 0; s < pass.length; s++) {
      slots[s] = pass[s][0];
      counts[s] = pass[s][1];
      past[s] = cache.length(slots[s]);
      int start = tokens.length;
      tokens = Arrays.copyOf(tokens, start + counts[s]);
      System.arraycopy(texts[slots[s]], past[s], tokens, start, counts[s]);
    }
    float[] logits = cached(device, model, cache, tokens, slots, counts);
    int row = 0;
    for (int s = 0; s < pass.length; s++) {
      String what = "slot " + slots[s] + " from " + past[s];
      assertRows(full[slots[s]], past[s], logits, row, counts[s], what);
      row += counts[s];
    }
  }

  @Test
  void moreThanTheCapacityIsRefused() {
    try (Device device = Device.shapeOnly();
        KvCache cache = new KvCache(device, AttentionShape.causal(2, 1, 4), 1, 2, 8)) {
      cache.advance(cache.next(new int[5], new int[] {1}, new int[] {5}));
      IllegalStateException refusal =
          assertThrows(
              IllegalStateException.class,
              () -> cache.next(new int[4], new int[] {1}, new int[] {4}));
      assertEquals("5 + 4 tokens in a cache of 8", refusal.getMessage());
      assertEquals(2L * 2 * 8 * 4 * 4, device.memory().currentBytes());
    }
  }

  @Test
  void passesThatDoNotFitTheirSlotsAreRefused() {
    try (Device device = Device.shapeOnly();
        KvCache cache = new KvCache(device, AttentionShape.causal(2, 1, 4), 1, 2, 8)) {
      assertThrows(
          IllegalStateException.class,
          () -> cache.next(new int[3], new int[] {0, 0}, new int[] {1, 2}),
          "a slot twice in one pass");
      assertThrows(
          IllegalStateException.class,
          () -> cache.next(new int[3], new int[] {0}, new int[] {2}),
          "a token of no sequence");
      assertThrows(
          IllegalStateException.class,
          () -> cache.next(new int[3], new int[] {0, 1}, new int[] {2, 2}),
          "fewer tokens than counted");
    }
  }

  @Test
  void packedExamplesDoNotSeeEachOther() {
    try (Device device = Device.cpu(2);
        TinyLlama llama = new TinyLlama(device, Training.ALL, 0)) {
      Sequences batch = TinyLlama.batch();
      float[] packed = logits(llama.model(), Pass.inference(device, batch));
      for (int s = 0; s < batch.segments().count(); s++) {
        int start = batch.segments().queryStart(s);
        int length = batch.segments().queryLength(s);
        int[] alone = Arrays.copyOfRange(batch.tokens(), start, start + length);
        float[] expected = full(device, llama.model(), alone);
        assertRows(expected, 0, packed, start, length, "example " + s);
      }
    }
  }

  private static KvCache cache(Device device, CausalLm model, int slots) {
    return new KvCache(device, model.attentionShape(), model.layers(), slots, 40);
  }

  private static int[] tokens(int text, int count) {
    int[] tokens = new int[count];
    for (int i = 0; i < count; i++) {
      tokens[i] = (i * i * 7 + i * 13 + text * 29) % TinyLlama.CONFIG.vocabSize();
    }
    return tokens;
  }

  private static float[] full(Device device, CausalLm model, int[] tokens) {
    return logits(model, Pass.inference(device, Sequences.of(tokens)));
  }

  private static float[] cached(
      Device device, CausalLm model, KvCache cache, int[] tokens, int[] slots, int[] counts) {
    Sequences next = cache.next(tokens, slots, counts);
    float[] logits =
        logits(model, new Pass(device, Mode.INFERENCE, next, PassOptions.cached(cache)));
    cache.advance(next);
    return logits;
  }

  private static float[] logits(CausalLm model, Pass pass) {
    try (pass) {
      Var normed = model.finalNorm().forward(pass, model.hidden(pass));
      return model.head().forward(pass, normed).value().toFloats();
    }
  }

  private static void assertRows(
      float[] expected, int expectedRow, float[] actual, int actualRow, int rows, String what) {
    int vocabulary = TinyLlama.CONFIG.vocabSize();
    Close.assertRelative(
        Arrays.copyOfRange(expected, expectedRow * vocabulary, (expectedRow + rows) * vocabulary),
        Arrays.copyOfRange(actual, actualRow * vocabulary, (actualRow + rows) * vocabulary),
        TOLERANCE,
        what);
  }
}
