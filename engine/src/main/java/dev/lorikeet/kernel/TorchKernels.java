package dev.lorikeet.kernel;

import dev.lorikeet.torch.FlashAttention;
import dev.lorikeet.torch.FlashAttention.Ask;
import dev.lorikeet.torch.LibTorch;
import dev.lorikeet.torch.LibTorch.Gradients;
import dev.lorikeet.torch.LibTorch.Precision;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.torch.TorchDevice;
import dev.lorikeet.torch.TorchValue;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The plain reference of every kernel: forward formulas in libtorch's elementary operations, and
 * backwards by libtorch's own differentiation of them wherever there is something to differentiate.
 * Slow and memory-hungry; it keeps no state and no memory between calls.
 */
final class TorchKernels implements Kernels, Kernels.Totals {
  private final Precision precision;
  private final Optional<TorchDevice> device;
  private final Optional<FlashAttention> flash;

  /** Kernels on host memory that compute in {@code precision} and round once, when they write. */
  TorchKernels(Precision precision) {
    this.precision = precision;
    device = Optional.empty();
    flash = Optional.empty();
  }

  /**
   * Kernels in the memory of {@code device} that compute in float32, but for flash attention where
   * that is to be had.
   */
  TorchKernels(TorchDevice device) {
    this(device, FlashRule.of(device));
  }

  /** The same with this flash attention. */
  TorchKernels(TorchDevice device, Optional<FlashAttention> flash) {
    precision = Precision.FLOAT32;
    this.device = Optional.of(device);
    this.flash = flash;
  }

  private LibTorch plain() {
    return open(Gradients.OFF);
  }

  private LibTorch differentiating() {
    return open(Gradients.ON);
  }

  private LibTorch open(Gradients gradients) {
    return device.isPresent()
        ? LibTorch.open(precision, gradients, device.get())
        : LibTorch.open(precision, gradients);
  }

  /** On host memory plain loops: an update has nothing that libtorch would do more exactly. */
  @Override
  public UpdateKernels updates() {
    return device.isPresent() ? new TorchUpdates(device.get()) : new PlainUpdates();
  }

  @Override
  public LayerKernels layers() {
    return new TorchLayers(this::open);
  }

  @Override
  public void gatherRows(Tensor table, Tensor ids, Tensor out) {
    try (LibTorch torch = plain();
        Tensor floats = table.asFloats()) {
      torch.view(floats).rowsAt(torch.view(ids)).copyTo(out);
    }
  }

  @Override
  public void scatterAddRows(Tensor rows, Tensor ids, Tensor table) {
    try (LibTorch torch = plain()) {
      torch.view(table).addRowsAt(torch.view(ids), torch.view(rows)).copyTo(table);
    }
  }

  @Override
  public void rmsNorm(Tensor x, Tensor weight, double eps, Tensor y, Tensor rstd) {
    try (LibTorch torch = plain()) {
      TorchValue input = torch.view(x).reshape(-1, weight.elements());
      TorchValue r = input.square().mean(1).add(eps).rsqrt(); // [T,1]
      input.mul(r).mul(torch.view(weight)).copyTo(y);
      r.copyTo(rstd);
    }
  }

  /** ε is not given here, but 1/rstd² = mean(x²) + ε is: the difference is a constant. */
  @Override
  public void rmsNormBackward(
      Tensor dy, Tensor x, Tensor weight, Tensor rstd, Tensor dx, Into into) {
    try (LibTorch torch = differentiating()) {
      TorchValue leaf = torch.leaf(x);
      TorchValue input = leaf.reshape(-1, weight.elements());
      TorchValue squares = torch.view(rstd).reshape(-1, 1).square();
      TorchValue given = torch.view(x).reshape(-1, weight.elements()).square().mean(1);
      TorchValue eps = squares.mul(given).add(-1).mul(-1).div(squares);
      TorchValue r = input.square().mean(1).add(eps).rsqrt();
      TorchValue y = input.mul(r).mul(torch.view(weight));
      y.mul(torch.view(dy).reshape(-1, weight.elements())).total().backward();
      write(torch, leaf.gradient(), dx, into);
    }
  }

  @Override
  public void rmsNormWeightGradient(Tensor dy, Tensor x, Tensor rstd, Tensor dWeight) {
    try (LibTorch torch = plain()) {
      TorchValue runs = torch.view(x).reshape(-1, dWeight.elements());
      TorchValue normed = runs.mul(torch.view(rstd).reshape(-1, 1));
      TorchValue upstream = torch.view(dy).reshape(-1, dWeight.elements());
      write(torch, upstream.mul(normed).sum(0), dWeight, Into.ADD);
    }
  }

  @Override
  public void rope(
      Tensor x, int headDim, Tensor cos, Tensor sin, Tensor positions, Rotation rotation) {
    long half = cos.size(1);
    try (LibTorch torch = plain()) {
      TorchValue at = torch.view(positions);
      double direction = rotation == Rotation.FORWARD ? 1 : -1;
      TorchValue c = torch.view(cos).rowsAt(at).reshape(-1, 1, half);
      TorchValue s = torch.view(sin).rowsAt(at).reshape(-1, 1, half).mul(direction);
      TorchValue heads = torch.view(x).reshape(x.size(0), -1, headDim);
      TorchValue a = heads.slice(2, 0, half);
      TorchValue b = heads.slice(2, half, 2 * half);
      TorchValue rest = heads.slice(2, 2 * half, headDim);
      torch.cat(2, a.mul(c).sub(b.mul(s)), b.mul(c).add(a.mul(s)), rest).copyTo(x);
    }
  }

  @Override
  public void swiglu(Tensor gate, Tensor up, Tensor out) {
    try (LibTorch torch = plain()) {
      gated(torch.view(gate), torch.view(up)).copyTo(out);
    }
  }

  @Override
  public void swigluBackward(Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp) {
    try (LibTorch torch = differentiating()) {
      TorchValue g = torch.leaf(gate);
      TorchValue u = torch.leaf(up);
      gated(g, u).mul(torch.view(dOut)).total().backward();
      g.gradient().copyTo(dGate);
      u.gradient().copyTo(dUp);
    }
  }

  private static TorchValue gated(TorchValue gate, TorchValue up) {
    return gate.mul(gate.sigmoid()).mul(up);
  }

  @Override
  public void attention(
      AttentionShape shape,
      Segments segments,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor out,
      Tensor lse) {
    Optional<Ask> ask = ask(shape, segments, q, k);
    if (ask.isPresent()) {
      flash.orElseThrow().forward(ask.get(), new FlashAttention.Tensors(q, k, v, out, lse));
      return;
    }
    try (LibTorch torch = plain()) {
      TorchValue queries = torch.view(q);
      TorchValue keys = torch.view(k);
      TorchValue values = torch.view(v);
      for (int s = 0; s < segments.count(); s++) {
        Attended attended = attend(torch, shape, segments, s, queries, keys, values);
        try (Tensor outRows = out.rows(segments.queryStart(s), segments.queryLength(s));
            Tensor lseRows = lse.rows(segments.queryStart(s), segments.queryLength(s))) {
          attended.out.copyTo(outRows);
          attended.lse.copyTo(lseRows);
        }
      }
    }
  }

  @Override
  public void attentionBackward(
      AttentionShape shape,
      Segments segments,
      AttentionTensors forward,
      Tensor dOut,
      Tensor dq,
      Tensor dk,
      Tensor dv) {
    Optional<Ask> ask = ask(shape, segments, forward.q(), forward.k());
    if (ask.isPresent()) {
      FlashAttention.Tensors tensors =
          new FlashAttention.Tensors(
              forward.q(), forward.k(), forward.v(), forward.out(), forward.lse());
      flash.orElseThrow().backward(ask.get(), tensors, dOut, dq, dk, dv);
      return;
    }
    try (LibTorch torch = differentiating()) {
      TorchValue q = torch.leaf(forward.q());
      TorchValue k = torch.leaf(forward.k());
      TorchValue v = torch.leaf(forward.v());
      TorchValue upstream = torch.view(dOut);
      List<TorchValue> parts = new ArrayList<>();
      for (int s = 0; s < segments.count(); s++) {
        TorchValue out = attend(torch, shape, segments, s, q, k, v).out;
        TorchValue given = rows(upstream, segments.queryStart(s), segments.queryLength(s));
        parts.add(out.mul(given).total().reshape(1));
      }
      torch.cat(0, parts.toArray(TorchValue[]::new)).total().backward();
      q.gradient().copyTo(dq);
      k.gradient().copyTo(dk);
      v.gradient().copyTo(dv);
    }
  }

  /** How flash attention is asked, if there is one that takes this. */
  private Optional<Ask> ask(AttentionShape shape, Segments segments, Tensor q, Tensor k) {
    return flash.flatMap(_ -> FlashRule.ask(shape, segments, q.size(0), k.size(0)));
  }

  /** out [rows, heads·D] and lse [rows, heads] of one segment. */
  private record Attended(TorchValue out, TorchValue lse) {}

  private static Attended attend(
      LibTorch torch,
      AttentionShape shape,
      Segments segments,
      int s,
      TorchValue q,
      TorchValue k,
      TorchValue v) {
    int asked = segments.queryLength(s);
    int seen = segments.keyLength(s);
    int dim = shape.headDim();
    TorchValue queries =
        rows(q, segments.queryStart(s), asked).reshape(asked, shape.heads(), dim).transpose(0, 1);
    TorchValue keys = heads(rows(k, segments.keyStart(s), seen), shape);
    TorchValue values = heads(rows(v, segments.keyStart(s), seen), shape);
    TorchValue scores = queries.matmul(keys.transpose(1, 2)).mul(shape.scale()); // [heads,T,S]
    if (shape.softCap() > 0) {
      scores = scores.div(shape.softCap()).tanh().mul(shape.softCap());
    }
    TorchValue visible = scores.hiddenUnless(visible(torch, shape, asked, seen));
    TorchValue lse = visible.logSumExp(2); // [heads,T,1]
    TorchValue out = visible.sub(lse).exp().matmul(values); // [heads,T,D]
    return new Attended(
        out.transpose(0, 1).reshape(asked, (long) shape.heads() * dim),
        lse.reshape(shape.heads(), asked).transpose(0, 1));
  }

  private static TorchValue rows(TorchValue value, long from, long count) {
    return value.slice(0, from, from + count);
  }

  /** [rows, kvHeads·D] to [heads, rows, D]: every key head once for each query head it serves. */
  private static TorchValue heads(TorchValue rows, AttentionShape shape) {
    return rows.reshape(-1, shape.kvHeads(), shape.headDim())
        .transpose(0, 1)
        .repeat(0, shape.group());
  }

  /** [asked, seen]: 1 where the key is not later than the query and inside its window. */
  private static TorchValue visible(LibTorch torch, AttentionShape shape, int asked, int seen) {
    TorchValue queryAt = torch.range(asked).add(seen - asked).reshape(-1, 1);
    TorchValue distance = queryAt.sub(torch.range(seen).reshape(1, -1));
    TorchValue past = distance.atLeast(0);
    return shape.window() == 0 ? past : past.mul(distance.mul(-1).atLeast(1L - shape.window()));
  }

  @Override
  public void crossEntropy(Tensor logits, Tensor labels, Tensor losses) {
    try (LibTorch torch = plain()) {
      losses(torch.view(logits), torch.view(labels)).copyTo(losses);
    }
  }

  @Override
  public void crossEntropyWithGradient(Tensor logits, Tensor labels, Tensor losses, float scale) {
    try (LibTorch torch = differentiating()) {
      TorchValue x = torch.leaf(logits);
      TorchValue each = losses(x, torch.view(labels));
      each.total().mul(scale).backward();
      each.copyTo(losses);
      x.gradient().copyTo(logits);
    }
  }

  @Override
  public void labelIsLargest(Tensor logits, Tensor labels, Tensor hits) {
    try (LibTorch torch = plain()) {
      TorchValue distance =
          torch.view(logits).indexOfLargest(1).sub(torch.view(labels).reshape(-1, 1));
      distance.square().atLeast(1).mul(-1).add(1).copyTo(hits);
    }
  }

  private static TorchValue losses(TorchValue logits, TorchValue labels) {
    return logits.logSumExp(1).sub(logits.pick(labels));
  }

  /** {@link DropoutMask#hash} in 64-bit arithmetic, where every step is a number from 0. */
  @Override
  public void dropout(Tensor x, DropoutMask mask, Tensor out, Into into) {
    try (LibTorch torch = plain()) {
      TorchValue channel = torch.range(x.size(1)).whole().times32(0x9E3779B9L).reshape(1, -1);
      TorchValue key = torch.view(mask.rowKeys()).times32(1).reshape(-1, 1);
      TorchValue h = key.xor(channel);
      h = h.xor(h.shiftRight(16)).times32(0x21F0AAADL);
      h = h.xor(h.shiftRight(15)).times32(0x735A2D97L);
      h = h.xor(h.shiftRight(15));
      TorchValue kept = h.atLeast(Integer.toUnsignedLong(mask.threshold()));
      TorchValue scaled = torch.view(x).mul(kept).mul(mask.keptScale());
      write(torch, scaled, out, into);
    }
  }

  @Override
  public void add(Tensor x, Tensor target) {
    try (LibTorch torch = plain()) {
      write(torch, torch.view(x), target, Into.ADD);
    }
  }

  @Override
  public void scale(Tensor target, float factor) {
    try (LibTorch torch = plain()) {
      torch.view(target).mul(factor).copyTo(target);
    }
  }

  @Override
  public void addRow(Tensor row, Tensor target) {
    try (LibTorch torch = plain()) {
      write(torch, torch.view(row), target, Into.ADD);
    }
  }

  @Override
  public void addSumOfRows(Tensor x, Tensor target) {
    try (LibTorch torch = plain()) {
      write(torch, torch.view(x).sum(0), target, Into.ADD);
    }
  }

  @Override
  public void scaleColumns(Tensor factor, Tensor shift, Tensor target) {
    try (LibTorch torch = plain()) {
      TorchValue scaled = torch.view(target).mul(torch.view(factor).reshape(1, -1));
      scaled.add(torch.view(shift).reshape(1, -1)).copyTo(target);
    }
  }

  @Override
  public void scaleColumnsBackward(Tensor y, Tensor offset, Tensor factor, Tensor dy, Tensor sums) {
    try (LibTorch torch = plain()) {
      TorchValue upstream = torch.view(dy);
      TorchValue inner = torch.view(y).sub(torch.view(offset).reshape(1, -1));
      write(torch, upstream.mul(inner).sum(0), sums, Into.ADD);
      upstream.mul(torch.view(factor).reshape(1, -1)).copyTo(dy);
    }
  }

  @Override
  public double sumOfSquares(Tensor x) {
    device.ifPresent(TorchDevice::downloaded);
    try (LibTorch torch = plain()) {
      return squares(torch, x).item();
    }
  }

  @Override
  public void sumOfSquares(List<Tensor> tensors, Tensor total) {
    try (LibTorch torch = plain()) {
      TorchValue[] sums =
          tensors.stream().map(x -> squares(torch, x).reshape(1)).toArray(TorchValue[]::new);
      torch.cat(0, sums).total().reshape(1).copyBytesTo(total);
    }
  }

  private static TorchValue squares(LibTorch torch, Tensor x) {
    return torch.view(x).inDouble().square().total();
  }

  /** {@code value} may have leading dimensions of length 1, or fewer: it broadcasts when added. */
  private static void write(LibTorch torch, TorchValue value, Tensor target, Into into) {
    TorchValue result = into == Into.ADD ? torch.view(target).add(value) : value;
    result.copyTo(target);
  }
}
