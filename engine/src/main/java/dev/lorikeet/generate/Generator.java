package dev.lorikeet.generate;

import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nn.KvCache;
import dev.lorikeet.nn.Pass;
import dev.lorikeet.nn.PassOptions;
import dev.lorikeet.nn.Sequences;
import dev.lorikeet.tape.Ops;
import dev.lorikeet.tape.Tape.Mode;
import dev.lorikeet.tape.Var;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * Continues prompts. Several prompts go through the model together, without padding: each keeps its
 * own place in the cache, and those that are done leave the batch.
 */
public final class Generator {
  private final CausalLm model;
  private final Device device;
  private final OptionalInt endToken;

  /**
   * A generator that stops a sequence at {@code endToken}, which is not part of its text.
   *
   * @param endToken id, if the tokenizer has one
   */
  public Generator(CausalLm model, Device device, OptionalInt endToken) {
    this.model = model;
    this.device = device;
    this.endToken = endToken;
  }

  /** How a continuation ended. */
  public enum Stop {
    /** The model said that the text is over. */
    END_TOKEN,
    /** As many tokens as were asked for. */
    LENGTH,
    /** The model's context is full. */
    CONTEXT
  }

  /**
   * New tokens of one prompt.
   *
   * @param tokens ids, the end token left out
   * @param stop why there are no more
   */
  public record Continuation(List<Integer> tokens, Stop stop) {
    /** The ids as an array. */
    public int[] ids() {
      return tokens.stream().mapToInt(Integer::intValue).toArray();
    }
  }

  /**
   * Continues every prompt by at most {@code maxNewTokens}.
   *
   * @param prompts ids, at least one each, all shorter than the model's context
   */
  public List<Continuation> generate(List<int[]> prompts, int maxNewTokens, Sampling sampling) {
    int longest = prompts.stream().mapToInt(prompt -> prompt.length).max().orElse(0);
    int capacity = Math.min(model.contextLength(), longest + maxNewTokens);
    List<Sequence> sequences = new ArrayList<>();
    for (int[] prompt : prompts) {
      sequences.add(new Sequence(sequences.size(), prompt));
    }
    try (KvCache cache =
        new KvCache(device, model.attentionShape(), model.layers(), prompts.size(), capacity)) {
      List<Sequence> open = maxNewTokens > 0 ? sequences : List.of();
      while (!open.isEmpty()) {
        open.forEach(sequence -> sequence.beginAgainUnlessKept(cache));
        advance(cache, open, sampling);
        for (Sequence sequence : open) {
          sequence.checkEnd(maxNewTokens, cache.length(sequence.slot) >= model.contextLength());
        }
        open = open.stream().filter(sequence -> sequence.stop.isEmpty()).toList();
      }
    }
    return sequences.stream()
        .map(s -> new Continuation(List.copyOf(s.produced), s.stop.orElse(Stop.LENGTH)))
        .toList();
  }

  /** One pass over what is new in every open sequence, and one more token for each. */
  private void advance(KvCache cache, List<Sequence> open, Sampling sampling) {
    int[] slots = open.stream().mapToInt(s -> s.slot).toArray();
    int[] counts = open.stream().mapToInt(s -> s.pending.length).toArray();
    int[] tokens = open.stream().flatMapToInt(s -> Arrays.stream(s.pending)).toArray();
    Sequences input = cache.next(tokens, slots, counts);
    int[] last = new int[counts.length];
    for (int s = 0, at = 0; s < counts.length; s++) {
      at += counts[s];
      last[s] = at - 1;
    }
    float[] logits = logits(cache, input, last);
    cache.advance(input);
    int width = model.vocabularySize();
    for (int s = 0; s < open.size(); s++) {
      Sequence sequence = open.get(s);
      float[] row = Arrays.copyOfRange(logits, s * width, (s + 1) * width);
      sequence.take(sampling.choose(row, sequence.slot, sequence.produced.size()));
    }
  }

  private float[] logits(KvCache cache, Sequences input, int[] rows) {
    try (Pass pass = new Pass(device, Mode.INFERENCE, input, PassOptions.cached(cache));
        Tensor rowIndex = device.ints(rows)) {
      Var selected = Ops.selectRows(pass.tape(), model.hidden(pass), rowIndex);
      Var normed = model.finalNorm().forward(pass, selected);
      return model.logits(pass, normed).value().toFloats();
    }
  }

  private final class Sequence {
    final int slot;
    final int[] prompt;
    final List<Integer> produced = new ArrayList<>();
    int[] pending;
    java.util.Optional<Stop> stop = java.util.Optional.empty();

    Sequence(int slot, int[] prompt) {
      if (prompt.length == 0 || prompt.length > model.contextLength()) {
        throw new IllegalStateException("a prompt of " + prompt.length + " tokens");
      }
      this.slot = slot;
      this.prompt = prompt;
      pending = prompt.clone();
    }

    /** Where the cached keys are those of a shorter sequence, all tokens are read again. */
    void beginAgainUnlessKept(KvCache cache) {
      int from = cache.length(slot);
      if (from > 0 && !model.keepsKeys(from, from + pending.length)) {
        cache.clear(slot);
        pending =
            IntStream.concat(Arrays.stream(prompt), produced.stream().mapToInt(Integer::intValue))
                .toArray();
      }
    }

    void take(int token) {
      produced.add(token);
      pending = new int[] {token};
    }

    void checkEnd(int maxNewTokens, boolean contextFull) {
      if (endToken.isPresent() && produced.getLast() == endToken.getAsInt()) {
        produced.removeLast();
        stop = java.util.Optional.of(Stop.END_TOKEN);
      } else if (produced.size() >= maxNewTokens) {
        stop = java.util.Optional.of(Stop.LENGTH);
      } else if (contextFull) {
        stop = java.util.Optional.of(Stop.CONTEXT);
      }
    }
  }
}
