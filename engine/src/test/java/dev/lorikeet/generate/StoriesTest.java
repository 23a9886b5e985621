package dev.lorikeet.generate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.lorikeet.data.Example;
import dev.lorikeet.data.PackedBatch;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.generate.Generator.Continuation;
import dev.lorikeet.job.LoadedModel;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nn.KvCache;
import dev.lorikeet.nn.Pass;
import dev.lorikeet.nn.PassOptions;
import dev.lorikeet.nn.Sequences;
import dev.lorikeet.tape.Tape.Mode;
import dev.lorikeet.tape.Var;
import dev.lorikeet.tokenizer.SpecialTokens;
import dev.lorikeet.torch.Device;
import dev.lorikeet.train.LanguageModelLoss;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** A real pretrained model tells the story that its author published. */
@Tag("reference")
@TestInstance(Lifecycle.PER_CLASS)
final class StoriesTest {
  /** The reference program stops here if nothing is said. */
  private static final int REFERENCE_TOKENS = 256;

  /** Without a cache every token costs a pass over all before it. */
  private static final int TOKENS_WITHOUT_CACHE = 80;

  private static final int BEGIN = 1;
  private static final String SENTENCE = "Once upon a time, there was a little girl named Lily.";
  private static final int[] SENTENCE_IDS = {
    1, 403, 407, 261, 378, 432, 383, 286, 261, 376, 298, 315, 421, 395, 317, 426
  };

  /** As transformers 5.18 computes it in float32. */
  private static final double SENTENCE_LOG_PROBABILITY = -1.50206;

  private static final double TOLERANCE = 1e-4;

  private final Device device = Device.cpu(2);
  private Optional<LoadedModel> stories = Optional.empty();

  @BeforeAll
  void open() {
    assumeTrue(Files.exists(Checkpoints.STORIES), "stories260K is not at " + Checkpoints.STORIES);
    stories =
        Optional.of(LoadedModel.open(Checkpoints.STORIES.toString(), Optional.empty(), device));
  }

  @AfterAll
  void close() {
    stories.ifPresent(LoadedModel::close);
    device.close();
  }

  @Test
  void greedyTextIsThePublishedStory() throws IOException {
    assertEquals(publishedStory(), text(withCache()));
  }

  @Test
  void theCacheChangesNoToken() {
    assertArrayEquals(withoutCache(), Arrays.copyOf(withCache(), TOKENS_WITHOUT_CACHE));
  }

  @Test
  void aSentenceHasTheReferencesLogProbability() {
    int[] ids = stories().tokenizer().encodeWithSpecials(SENTENCE);
    assertArrayEquals(SENTENCE_IDS, ids);
    float[] logProbabilities = logProbabilities(ids);
    assertEquals(ids.length - 1, logProbabilities.length);
    assertEquals(SENTENCE_LOG_PROBABILITY, sum(logProbabilities), TOLERANCE);
  }

  @Test
  void tokenByTokenOverACacheTheSentenceHasTheSameLogProbability() {
    float[] alone = logProbabilities(SENTENCE_IDS);
    float[] cached = logProbabilitiesOverACache(SENTENCE_IDS);
    assertEquals(SENTENCE_LOG_PROBABILITY, sum(cached), TOLERANCE);
    assertArrayEquals(alone, cached, (float) TOLERANCE);
  }

  private float[] logProbabilities(int[] ids) {
    PackedBatch batch = PackedBatch.of(List.of(new Example(0, ids, 1)));
    float[] logProbabilities = new LanguageModelLoss(model(), device).losses(batch);
    for (int i = 0; i < logProbabilities.length; i++) {
      logProbabilities[i] = -logProbabilities[i];
    }
    return logProbabilities;
  }

  private static String publishedStory() throws IOException {
    String file = Files.readString(Checkpoints.STORIES.resolve("expected.txt"));
    int command = file.indexOf("$ ./run stories260K");
    int start = file.indexOf('\n', command) + 1;
    String story = file.substring(start, file.indexOf("\n```", start));
    assertTrue(story.startsWith("Once upon a time"), story);
    assertTrue(story.length() > 500, "a story of " + story.length() + " characters");
    return story;
  }

  /** What a program prints that leaves out the blank before the first word. */
  private String text(int[] ids) {
    return stories().tokenizer().decode(ids, SpecialTokens.KEEP);
  }

  private int[] withCache() {
    Continuation continuation =
        new Generator(model(), device, stories().tokenizer().eosId())
            .generate(List.of(new int[] {BEGIN}), REFERENCE_TOKENS, Sampling.GREEDY)
            .getFirst();
    return continuation.ids();
  }

  private int[] withoutCache() {
    int[] ids = {BEGIN};
    int width = model().vocabularySize();
    while (ids.length <= TOKENS_WITHOUT_CACHE) {
      float[] logits = Checkpoints.logits(model(), device, ids);
      float[] last = Arrays.copyOfRange(logits, logits.length - width, logits.length);
      int next = Sampling.GREEDY.choose(last, 0, 0);
      ids = IntStream.concat(IntStream.of(ids), IntStream.of(next)).toArray();
    }
    return Arrays.copyOfRange(ids, 1, ids.length);
  }

  private float[] logProbabilitiesOverACache(int[] ids) {
    CausalLm model = model();
    float[] logProbabilities = new float[ids.length - 1];
    try (KvCache cache =
        new KvCache(device, model.attentionShape(), model.layers(), 1, ids.length)) {
      for (int i = 0; i + 1 < ids.length; i++) {
        Sequences next = cache.next(new int[] {ids[i]}, new int[] {0}, new int[] {1});
        try (Pass pass = new Pass(device, Mode.INFERENCE, next, PassOptions.cached(cache))) {
          Var normed = model.finalNorm().forward(pass, model.hidden(pass));
          float[] logits = model.head().forward(pass, normed).value().toFloats();
          logProbabilities[i] = (float) logSoftmax(logits, ids[i + 1]);
        }
        cache.advance(next);
      }
    }
    return logProbabilities;
  }

  private static double logSoftmax(float[] logits, int id) {
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit);
    }
    return logits[id] - Math.log(sum);
  }

  private static double sum(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    return sum;
  }

  private CausalLm model() {
    return stories().model();
  }

  private LoadedModel stories() {
    return stories.orElseThrow();
  }
}
