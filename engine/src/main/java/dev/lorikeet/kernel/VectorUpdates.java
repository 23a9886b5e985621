package dev.lorikeet.kernel;

import static dev.lorikeet.kernel.VectorMath.FLOATS;
import static dev.lorikeet.kernel.VectorMath.LANES;
import static dev.lorikeet.kernel.VectorMath.get;
import static dev.lorikeet.kernel.VectorMath.load;
import static dev.lorikeet.kernel.VectorMath.set;
import static dev.lorikeet.kernel.VectorMath.store;

import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.Tensor;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Updates of the CPU: elements are shared by the device's workers in fixed ranges. */
final class VectorUpdates implements UpdateKernels {
  private static final int GRAIN = 4096;

  private final CpuDevice device;
  private final QuantizedAdamW quantized;
  private final AdafactorKernel adafactor;

  VectorUpdates(CpuDevice device) {
    this.device = device;
    quantized = new QuantizedAdamW(device);
    adafactor = new AdafactorKernel(device);
  }

  @Override
  public void adamW(Tensor parameter, Tensor gradient, Tensor mean, Tensor square, AdamWStep step) {
    long pAt = parameter.address();
    long gAt = gradient.address();
    long mAt = mean.address();
    long vAt = square.address();
    device.forRange(
        Math.toIntExact(parameter.elements()),
        GRAIN,
        (from, to) -> adamWRange(pAt, gAt, mAt, vAt, from, to, step));
  }

  @Override
  public void adamW(Tensor parameter, Tensor gradient, QuantizedMoments moments, AdamWStep step) {
    quantized.update(parameter, gradient, moments, step);
  }

  @Override
  public void sgd(Tensor parameter, Tensor gradient, SgdStep step) {
    long pAt = parameter.address();
    long gAt = gradient.address();
    device.forRange(
        Math.toIntExact(parameter.elements()),
        GRAIN,
        (from, to) -> sgdRange(pAt, gAt, from, to, step));
  }

  @Override
  public void sgd(Tensor parameter, Tensor gradient, Tensor momentum, SgdStep step) {
    long pAt = parameter.address();
    long gAt = gradient.address();
    long bAt = momentum.address();
    device.forRange(
        Math.toIntExact(parameter.elements()),
        GRAIN,
        (from, to) -> momentumRange(pAt, gAt, bAt, from, to, step));
  }

  @Override
  public void lion(Tensor parameter, Tensor gradient, Tensor mean, LionStep step) {
    long pAt = parameter.address();
    long gAt = gradient.address();
    long mAt = mean.address();
    device.forRange(
        Math.toIntExact(parameter.elements()),
        GRAIN,
        (from, to) -> lionRange(pAt, gAt, mAt, from, to, step));
  }

  @Override
  public void adafactor(Tensor parameter, Tensor gradient, Tensor square, AdafactorStep step) {
    adafactor.update(parameter, gradient, square, step);
  }

  @Override
  public void adafactor(
      Tensor parameter,
      Tensor gradient,
      Tensor rowSquare,
      Tensor columnSquare,
      AdafactorStep step) {
    adafactor.update(parameter, gradient, rowSquare, columnSquare, step);
  }

  private static void adamWRange(long p, long g, long m, long v, int from, int to, AdamWStep step) {
    float beta1 = step.keptMean();
    float beta2 = step.keptSquare();
    float newMean = step.newMean();
    float newSquare = step.newSquare();
    float decay = step.decay();
    float stepSize = step.stepSize();
    float rootScale = step.rootScale();
    float epsilon = (float) step.epsilon();
    int i = from;
    for (; i + LANES <= to; i += LANES) {
      long at = 4L * i;
      FloatVector gradient = load(g + at);
      FloatVector mean = load(m + at).mul(beta1).add(gradient.mul(newMean));
      FloatVector square = load(v + at).mul(beta2).add(gradient.mul(gradient).mul(newSquare));
      FloatVector root = square.sqrt().mul(rootScale).add(epsilon);
      store(mean, m + at);
      store(square, v + at);
      store(load(p + at).mul(decay).add(mean.div(root).mul(stepSize)), p + at);
    }
    for (; i < to; i++) {
      long at = 4L * i;
      float gradient = get(g + at);
      float mean = get(m + at) * beta1 + gradient * newMean;
      float square = get(v + at) * beta2 + gradient * gradient * newSquare;
      float root = (float) Math.sqrt(square) * rootScale + epsilon;
      set(m + at, mean);
      set(v + at, square);
      set(p + at, get(p + at) * decay + mean / root * stepSize);
    }
  }

  private static void sgdRange(long p, long g, int from, int to, SgdStep step) {
    float decay = (float) step.weightDecay();
    float rate = (float) -step.learningRate();
    int i = from;
    for (; i + LANES <= to; i += LANES) {
      long at = 4L * i;
      FloatVector value = load(p + at);
      FloatVector slope = load(g + at).add(value.mul(decay));
      store(value.add(slope.mul(rate)), p + at);
    }
    for (; i < to; i++) {
      long at = 4L * i;
      float value = get(p + at);
      float slope = get(g + at) + value * decay;
      set(p + at, value + slope * rate);
    }
  }

  private static void momentumRange(long p, long g, long b, int from, int to, SgdStep step) {
    float decay = (float) step.weightDecay();
    float rate = (float) -step.learningRate();
    float momentum = (float) step.momentum();
    boolean nesterov = step.direction() == SgdStep.Direction.NESTEROV;
    int i = from;
    for (; i + LANES <= to; i += LANES) {
      long at = 4L * i;
      FloatVector value = load(p + at);
      FloatVector slope = load(g + at).add(value.mul(decay));
      FloatVector buffer = load(b + at).mul(momentum).add(slope);
      FloatVector direction = nesterov ? slope.add(buffer.mul(momentum)) : buffer;
      store(buffer, b + at);
      store(value.add(direction.mul(rate)), p + at);
    }
    for (; i < to; i++) {
      long at = 4L * i;
      float value = get(p + at);
      float slope = get(g + at) + value * decay;
      float buffer = get(b + at) * momentum + slope;
      float direction = nesterov ? slope + buffer * momentum : buffer;
      set(b + at, buffer);
      set(p + at, value + direction * rate);
    }
  }

  private static void lionRange(long p, long g, long m, int from, int to, LionStep step) {
    float beta1 = (float) step.beta1();
    float beta2 = (float) step.beta2();
    float fresh1 = (float) (1 - step.beta1());
    float fresh2 = (float) (1 - step.beta2());
    float decay = (float) (1 - step.learningRate() * step.weightDecay());
    float rate = (float) step.learningRate();
    FloatVector zero = FloatVector.zero(FLOATS);
    int i = from;
    for (; i + LANES <= to; i += LANES) {
      long at = 4L * i;
      FloatVector gradient = load(g + at);
      FloatVector mean = load(m + at);
      FloatVector direction = mean.mul(beta1).add(gradient.mul(fresh1));
      FloatVector change =
          zero.blend(-rate, direction.compare(VectorOperators.GT, 0f))
              .blend(rate, direction.compare(VectorOperators.LT, 0f));
      store(load(p + at).mul(decay).add(change), p + at);
      store(mean.mul(beta2).add(gradient.mul(fresh2)), m + at);
    }
    for (; i < to; i++) {
      long at = 4L * i;
      float gradient = get(g + at);
      float mean = get(m + at);
      float direction = mean * beta1 + gradient * fresh1;
      float change = direction > 0 ? -rate : direction < 0 ? rate : 0f;
      set(p + at, get(p + at) * decay + change);
      set(m + at, mean * beta2 + gradient * fresh2);
    }
  }
}
