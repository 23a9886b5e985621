package dev.lorikeet.kernel;

import dev.lorikeet.kernel.Kernels.Into;
import dev.lorikeet.torch.LibTorch;
import dev.lorikeet.torch.LibTorch.Gradients;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.torch.TorchValue;
import java.util.function.Function;

/** Layers as formulas of libtorch, and their backwards by its own differentiation of them. */
final class TorchLayers implements LayerKernels {
  private static final double SQRT_HALF = Math.sqrt(0.5);
  private static final double SQRT_2_BY_PI = Math.sqrt(2 / Math.PI);
  private static final double CUBIC = 0.044715;

  private final Function<Gradients, LibTorch> sessions;

  /** Opens a session of libtorch for every call. */
  TorchLayers(Function<Gradients, LibTorch> sessions) {
    this.sessions = sessions;
  }

  private LibTorch plain() {
    return sessions.apply(Gradients.OFF);
  }

  private LibTorch differentiating() {
    return sessions.apply(Gradients.ON);
  }

  @Override
  public void layerNorm(Tensor x, Tensor weight, double eps, Tensor y, Tensor moments) {
    try (LibTorch torch = plain()) {
      TorchValue runs = torch.view(x).reshape(-1, weight.elements());
      TorchValue mean = runs.mean(1);
      TorchValue centred = runs.sub(mean);
      TorchValue r = centred.square().mean(1).add(eps).rsqrt();
      centred.mul(r).mul(torch.view(weight)).copyTo(y);
      torch.cat(1, mean, r).copyTo(moments);
    }
  }

  /** ε is not given here, but 1/rstd² = variance + ε is: the difference is a constant. */
  @Override
  public void layerNormBackward(
      Tensor dy, Tensor x, Tensor weight, Tensor moments, Tensor dx, Into into) {
    long width = weight.elements();
    try (LibTorch torch = differentiating()) {
      TorchValue leaf = torch.leaf(x);
      TorchValue runs = leaf.reshape(-1, width);
      TorchValue given = torch.view(x).reshape(-1, width);
      TorchValue squares = torch.view(moments).slice(1, 1, 2).square();
      TorchValue variance = given.sub(given.mean(1)).square().mean(1);
      TorchValue eps = squares.mul(variance).add(-1).mul(-1).div(squares);
      TorchValue centred = runs.sub(runs.mean(1));
      TorchValue r = centred.square().mean(1).add(eps).rsqrt();
      TorchValue y = centred.mul(r).mul(torch.view(weight));
      y.mul(torch.view(dy).reshape(-1, width)).total().backward();
      write(torch, leaf.gradient(), dx, into);
    }
  }

  @Override
  public void layerNormWeightGradient(Tensor dy, Tensor x, Tensor moments, Tensor dWeight) {
    long width = dWeight.elements();
    try (LibTorch torch = plain()) {
      TorchValue given = torch.view(moments);
      TorchValue normed =
          torch.view(x).reshape(-1, width).sub(given.slice(1, 0, 1)).mul(given.slice(1, 1, 2));
      TorchValue sums = torch.view(dy).reshape(-1, width).mul(normed).sum(0);
      torch.view(dWeight).add(sums).copyTo(dWeight);
    }
  }

  @Override
  public void activate(Activation f, Tensor x, Tensor out) {
    try (LibTorch torch = plain()) {
      curve(f, torch.view(x)).copyTo(out);
    }
  }

  @Override
  public void activateBackward(Activation f, Tensor dOut, Tensor x, Tensor dx) {
    try (LibTorch torch = differentiating()) {
      TorchValue leaf = torch.leaf(x);
      curve(f, leaf).mul(torch.view(dOut)).total().backward();
      leaf.gradient().copyTo(dx);
    }
  }

  @Override
  public void gated(Activation f, Tensor gate, Tensor up, Tensor out) {
    try (LibTorch torch = plain()) {
      curve(f, torch.view(gate)).mul(torch.view(up)).copyTo(out);
    }
  }

  @Override
  public void gatedBackward(
      Activation f, Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp) {
    try (LibTorch torch = differentiating()) {
      TorchValue g = torch.leaf(gate);
      TorchValue u = torch.leaf(up);
      curve(f, g).mul(u).mul(torch.view(dOut)).total().backward();
      g.gradient().copyTo(dGate);
      u.gradient().copyTo(dUp);
    }
  }

  private static TorchValue curve(Activation f, TorchValue x) {
    return switch (f) {
      case SILU -> x.mul(x.sigmoid());
      case GELU -> x.mul(0.5).mul(x.mul(SQRT_HALF).erf().add(1));
      case GELU_TANH -> {
        TorchValue inner = x.square().mul(CUBIC).add(1).mul(x).mul(SQRT_2_BY_PI);
        yield x.mul(0.5).mul(inner.tanh().add(1));
      }
      case RELU -> x.mul(x.sign().atLeast(1));
    };
  }

  @Override
  public void gatherColumns(Tensor x, Columns columns, Tensor out) {
    try (LibTorch torch = plain()) {
      blocks(torch.view(x), columns)
          .slice(2, columns.first(), columns.first() + columns.width())
          .copyTo(out);
    }
  }

  @Override
  public void scatterColumns(Tensor x, Columns columns, Tensor target, Into into) {
    int end = columns.first() + columns.width();
    try (LibTorch torch = plain()) {
      TorchValue wide = blocks(torch.view(target), columns);
      TorchValue narrow = torch.view(x).reshape(-1, columns.count(), columns.width());
      TorchValue middle =
          into == Into.ADD ? wide.slice(2, columns.first(), end).add(narrow) : narrow;
      torch
          .cat(2, wide.slice(2, 0, columns.first()), middle, wide.slice(2, end, columns.stride()))
          .copyTo(target);
    }
  }

  private static TorchValue blocks(TorchValue wide, Columns columns) {
    return wide.reshape(-1, columns.count(), columns.stride());
  }

  @Override
  public void softCap(Tensor target, float cap) {
    try (LibTorch torch = plain()) {
      torch.view(target).div(cap).tanh().mul(cap).copyTo(target);
    }
  }

  @Override
  public void softCapBackward(Tensor y, float cap, Tensor dy) {
    try (LibTorch torch = plain()) {
      TorchValue upstream = torch.view(dy);
      upstream.sub(upstream.mul(torch.view(y).div(cap).square())).copyTo(dy);
    }
  }

  private static void write(LibTorch torch, TorchValue value, Tensor target, Into into) {
    TorchValue shaped = value.reshape(target.shape());
    (into == Into.ADD ? torch.view(target).add(shaped) : shaped).copyTo(target);
  }
}
