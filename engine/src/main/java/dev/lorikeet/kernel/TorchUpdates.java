package dev.lorikeet.kernel;

import dev.lorikeet.kernel.SgdStep.Direction;
import dev.lorikeet.torch.LibTorch;
import dev.lorikeet.torch.LibTorch.Gradients;
import dev.lorikeet.torch.LibTorch.Precision;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.torch.TorchDevice;
import dev.lorikeet.torch.TorchValue;

/** Updates as float32 formulas of libtorch, in the order of operations of the CPU's kernels. */
final class TorchUpdates implements UpdateKernels {
  private final TorchDevice device;

  TorchUpdates(TorchDevice device) {
    this.device = device;
  }

  private LibTorch open() {
    return LibTorch.open(Precision.FLOAT32, Gradients.OFF, device);
  }

  @Override
  public void adamW(Tensor parameter, Tensor gradient, Tensor mean, Tensor square, AdamWStep step) {
    try (LibTorch torch = open()) {
      TorchValue g = torch.view(gradient);
      TorchValue m = torch.view(mean).mul(step.keptMean()).add(g.mul(step.newMean()));
      TorchValue v =
          torch.view(square).mul(step.keptSquare()).add(g.square().mul(step.newSquare()));
      TorchValue root = v.sqrt().mul(step.rootScale()).add(step.epsilon());
      TorchValue p = torch.view(parameter).mul(step.decay());
      p.add(m.div(root).mul(step.stepSize())).copyTo(parameter);
      m.copyTo(mean);
      v.copyTo(square);
    }
  }

  @Override
  public void sgd(Tensor parameter, Tensor gradient, SgdStep step) {
    try (LibTorch torch = open()) {
      TorchValue p = torch.view(parameter);
      p.add(slope(torch, p, gradient, step).mul(-step.learningRate())).copyTo(parameter);
    }
  }

  @Override
  public void sgd(Tensor parameter, Tensor gradient, Tensor momentum, SgdStep step) {
    try (LibTorch torch = open()) {
      TorchValue p = torch.view(parameter);
      TorchValue slope = slope(torch, p, gradient, step);
      TorchValue buffer = torch.view(momentum).mul(step.momentum()).add(slope);
      TorchValue direction =
          step.direction() == Direction.NESTEROV ? slope.add(buffer.mul(step.momentum())) : buffer;
      p.add(direction.mul(-step.learningRate())).copyTo(parameter);
      buffer.copyTo(momentum);
    }
  }

  private static TorchValue slope(LibTorch torch, TorchValue p, Tensor gradient, SgdStep step) {
    return torch.view(gradient).add(p.mul(step.weightDecay()));
  }

  @Override
  public void lion(Tensor parameter, Tensor gradient, Tensor mean, LionStep step) {
    try (LibTorch torch = open()) {
      TorchValue p = torch.view(parameter);
      TorchValue g = torch.view(gradient);
      TorchValue m = torch.view(mean);
      TorchValue sign = m.mul(step.beta1()).add(g.mul(1 - step.beta1())).sign();
      TorchValue change = sign.add(p.mul(step.weightDecay())).mul(-step.learningRate());
      p.add(change).copyTo(parameter);
      m.mul(step.beta2()).add(g.mul(1 - step.beta2())).copyTo(mean);
    }
  }

  @Override
  public void adamW(Tensor parameter, Tensor gradient, QuantizedMoments moments, AdamWStep step) {
    throw unknown("adamw_8bit");
  }

  @Override
  public void adafactor(Tensor parameter, Tensor gradient, Tensor square, AdafactorStep step) {
    throw unknown("adafactor");
  }

  @Override
  public void adafactor(
      Tensor parameter,
      Tensor gradient,
      Tensor rowSquare,
      Tensor columnSquare,
      AdafactorStep step) {
    throw unknown("adafactor");
  }

  /** Recipes that ask for these are refused before anything is loaded. */
  private IllegalStateException unknown(String optimizer) {
    return new IllegalStateException(optimizer + " has no formula on " + device);
  }
}
