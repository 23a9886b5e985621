package dev.lorikeet.train;

import dev.lorikeet.data.PackedBatch;
import dev.lorikeet.kernel.Segments;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nn.Pass;
import dev.lorikeet.nn.PassOptions;
import dev.lorikeet.nn.Sequences;
import dev.lorikeet.tape.Ops;
import dev.lorikeet.tape.Tape;
import dev.lorikeet.tape.Tape.Mode;
import dev.lorikeet.tape.Var;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.util.Arrays;
import java.util.Optional;

/**
 * Cross-entropy of the next token, where a label asks for it.
 *
 * <p>Hidden states are taken at labelled positions only, and the output head runs over them in
 * chunks, forward and backward at once: the logits of all positions never exist. The head is any
 * linear map, adapted or not.
 */
public final class LanguageModelLoss {
  private final CausalLm model;
  private final Device device;
  private final long chunkFloats;

  /** With the usual number of logits at one time. */
  public LanguageModelLoss(CausalLm model, Device device) {
    this(model, device, StepShape.DEFAULT_LOSS_CHUNK);
  }

  /** {@code chunkFloats}: logits that exist at one time, at most, but those of 16 positions. */
  public LanguageModelLoss(CausalLm model, Device device, long chunkFloats) {
    this.model = model;
    this.device = device;
    this.chunkFloats = chunkFloats;
  }

  /** The losses −log p of every labelled position, in order, without gradients. */
  public float[] losses(PackedBatch batch) {
    return judged(batch).losses();
  }

  /**
   * The losses, and how many labelled tokens are the model's first choice; without gradients. Waits
   * for the device once.
   */
  public Judged judged(PackedBatch batch) {
    int labels = batch.labelCount();
    try (Pass pass = new Pass(device, Mode.INFERENCE, sequences(batch), PassOptions.none());
        Tensor both = device.zeros(2L * labels);
        Tensor losses = both.rows(0, labels);
        Tensor hits = both.rows(labels, labels)) {
      labelled(pass, batch, 0f, losses, Optional.of(hits));
      float[] read = both.toFloats();
      int correct = 0;
      for (int i = labels; i < read.length; i++) {
        correct += (int) read[i];
      }
      return new Judged(Arrays.copyOf(read, labels), correct);
    }
  }

  /**
   * What a model says to labelled tokens.
   *
   * @param losses −log p of every labelled position, in order
   * @param correct positions whose label is the most likely token
   */
  @SuppressWarnings("ArrayRecordComponent") // only carries them, is never compared
  public record Judged(float[] losses, int correct) {}

  /** The losses, and every trained parameter's gradient grows by that of their weighted sum. */
  public float[] lossesWithGradients(PackedBatch batch, float weight, PassOptions options) {
    try (Tensor losses = device.floats(batch.labelCount())) {
      lossesWithGradients(batch, weight, options, losses);
      return losses.toFloats();
    }
  }

  /**
   * The same without waiting for the device: the losses stay there, and every trained parameter's
   * gradient grows by that of {@code weight · Σ losses}.
   *
   * @param weight share of one token in the step's loss
   * @param losses −log p of every labelled position, in order; float32 [labels]
   */
  public void lossesWithGradients(
      PackedBatch batch, float weight, PassOptions options, Tensor losses) {
    try (Pass pass = new Pass(device, Mode.RECORD, sequences(batch), options)) {
      labelled(pass, batch, weight, losses, Optional.empty());
    }
  }

  /** The batch's tokens as the model reads them. */
  public static Sequences sequences(PackedBatch batch) {
    return new Sequences(
        batch.tokens(),
        batch.positions(),
        Segments.packed(batch.segmentStart(), batch.segmentLength()),
        batch.exampleIds());
  }

  private void labelled(
      Pass pass, PackedBatch batch, float weight, Tensor losses, Optional<Tensor> hits) {
    int[] rows = rowsWithLabel(batch.labels(), batch.labelCount());
    losses.requireShape(rows.length);
    Var hidden = model.hidden(pass);
    if (rows.length == 0) {
      return;
    }
    try (Tensor rowIndex = device.ints(rows)) {
      Var selected = Ops.selectRows(pass.tape(), hidden, rowIndex);
      pass.tape().release(hidden);
      Var normed = model.finalNorm().forward(pass, selected);
      HeadRun run = new HeadRun(pass, normed, rows, weight, losses, hits);
      int chunk = Math.clamp(chunkFloats / model.vocabularySize(), 16, 1 << 20);
      for (int from = 0; from < rows.length; from += chunk) {
        run.chunk(batch.labels(), from, Math.min(rows.length, from + chunk));
      }
      run.goBack();
    }
  }

  /** The output head over the labelled rows of one pass. */
  private final class HeadRun {
    private final Pass pass;
    private final Var normed;
    private final int[] rows;
    private final float weight;
    private final Tensor losses;
    private final Optional<Tensor> hits;
    private final Optional<Tensor> gradient;

    HeadRun(Pass pass, Var normed, int[] rows, float weight, Tensor losses, Optional<Tensor> hits) {
      this.pass = pass;
      this.normed = normed;
      this.rows = rows;
      this.weight = weight;
      this.losses = losses;
      this.hits = hits;
      gradient =
          normed.needsGradient() ? Optional.of(normed.value().emptyLike()) : Optional.empty();
    }

    /** Logits, losses and gradients of the rows {@code from … to − 1}. */
    void chunk(int[] labels, int from, int to) {
      int[] chunkRows = Arrays.copyOfRange(rows, from, to);
      int[] targets = Arrays.stream(chunkRows).map(row -> labels[row]).toArray();
      try (Pass part = pass.select(chunkRows);
          Tensor target = device.ints(targets);
          Tensor chunkLosses = losses.rows(from, to - from)) {
        Tape tape = part.tape();
        Tensor input = normed.value().rows(from, to - from);
        Var start = gradient.isPresent() ? tape.leaf(input) : tape.constant(input);
        Var logits = model.logits(part, start);
        if (tape.mode() == Mode.INFERENCE) {
          tape.kernels().crossEntropy(logits.value(), target, chunkLosses);
          hits.ifPresent(all -> markHits(tape, logits.value(), target, all, from));
        } else {
          goBack(tape, logits, target, chunkLosses);
        }
        if (gradient.isPresent()) {
          try (Tensor share = tape.takeGradient(start);
              Tensor place = gradient.get().rows(from, to - from)) {
            place.copyFrom(share);
          }
        }
      }
    }

    private static void markHits(Tape tape, Tensor logits, Tensor target, Tensor hits, int from) {
      try (Tensor chunkHits = hits.rows(from, target.size(0))) {
        tape.kernels().labelIsLargest(logits, target, chunkHits);
      }
    }

    /** The gradient takes the place of the logits, unless they are read on the way back. */
    private void goBack(Tape tape, Var logits, Tensor target, Tensor chunkLosses) {
      Tensor gradientOfLogits =
          logits.isValueKept()
              ? logits.value().emptyLike().copyFrom(logits.value())
              : logits.value().retain();
      tape.kernels().crossEntropyWithGradient(gradientOfLogits, target, chunkLosses, weight);
      tape.backward(logits, gradientOfLogits);
    }

    /** The gradient goes on through the body; the tape takes it over. */
    void goBack() {
      gradient.ifPresent(whole -> pass.tape().backward(normed, whole));
    }
  }

  private static int[] rowsWithLabel(int[] labels, int count) {
    int[] rows = new int[count];
    int next = 0;
    for (int t = 0; t < labels.length; t++) {
      if (labels[t] != PackedBatch.NO_LABEL) {
        rows[next++] = t;
      }
    }
    return rows;
  }
}
