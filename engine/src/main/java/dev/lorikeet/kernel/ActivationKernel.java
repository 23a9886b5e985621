package dev.lorikeet.kernel;

import static dev.lorikeet.kernel.VectorMath.LANES;
import static dev.lorikeet.kernel.VectorMath.get;
import static dev.lorikeet.kernel.VectorMath.load;
import static dev.lorikeet.kernel.VectorMath.set;
import static dev.lorikeet.kernel.VectorMath.store;

import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.Tensor;
import jdk.incubator.vector.FloatVector;

/** Curves over all elements, with and without a gate; a worker goes through its share twice. */
final class ActivationKernel {
  private static final int GRAIN = 4096;
  private final CpuDevice device;

  ActivationKernel(CpuDevice device) {
    this.device = device;
  }

  void forward(Activation f, Tensor x, Tensor out) {
    Curve curve = Curve.of(f);
    long xAt = x.address();
    long outAt = out.address();
    forRange(out, (at, count) -> curve.values(xAt + at, outAt + at, count));
  }

  void backward(Activation f, Tensor dOut, Tensor x, Tensor dx) {
    Curve curve = Curve.of(f);
    long dOutAt = dOut.address();
    long xAt = x.address();
    long dxAt = dx.address();
    forRange(
        dx,
        (at, count) -> {
          curve.slopes(xAt + at, dxAt + at, count);
          multiply(dOutAt + at, dxAt + at, count);
        });
  }

  void gated(Activation f, Tensor gate, Tensor up, Tensor out) {
    Curve curve = Curve.of(f);
    long gateAt = gate.address();
    long upAt = up.address();
    long outAt = out.address();
    forRange(
        out,
        (at, count) -> {
          curve.values(gateAt + at, outAt + at, count);
          multiply(upAt + at, outAt + at, count);
        });
  }

  void gatedBackward(Activation f, Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp) {
    Curve curve = Curve.of(f);
    long dOutAt = dOut.address();
    long gateAt = gate.address();
    long upAt = up.address();
    long dGateAt = dGate.address();
    long dUpAt = dUp.address();
    forRange(
        dOut,
        (at, count) -> {
          curve.values(gateAt + at, dUpAt + at, count);
          multiply(dOutAt + at, dUpAt + at, count);
          curve.slopes(gateAt + at, dGateAt + at, count);
          multiply(upAt + at, dGateAt + at, count);
          multiply(dOutAt + at, dGateAt + at, count);
        });
  }

  /** target = cap · tanh(target / cap). */
  void softCap(Tensor target, float cap) {
    long targetAt = target.address();
    forRange(target, (at, count) -> softCap(targetAt + at, cap, count));
  }

  /** dy *= 1 − (y / cap)². */
  void softCapBackward(Tensor y, float cap, Tensor dy) {
    long yAt = y.address();
    long dyAt = dy.address();
    forRange(dy, (at, count) -> softCapBackward(yAt + at, cap, dyAt + at, count));
  }

  /** {@code count} elements, {@code bytes} behind the first. */
  private interface Part {
    void run(long bytes, int count);
  }

  private void forRange(Tensor all, Part part) {
    device.forRange(
        Math.toIntExact(all.elements()), GRAIN, (from, to) -> part.run(4L * from, to - from));
  }

  private static void multiply(long factor, long target, int count) {
    int i = 0;
    for (; i + LANES <= count; i += LANES) {
      store(load(target + 4L * i).mul(load(factor + 4L * i)), target + 4L * i);
    }
    for (; i < count; i++) {
      set(target + 4L * i, get(target + 4L * i) * get(factor + 4L * i));
    }
  }

  private static void softCap(long target, float cap, int count) {
    int i = 0;
    for (; i + LANES <= count; i += LANES) {
      FloatVector y = VectorMath.tanh(load(target + 4L * i).div(cap));
      store(y.mul(cap), target + 4L * i);
    }
    for (; i < count; i++) {
      set(target + 4L * i, VectorMath.tanh(get(target + 4L * i) / cap) * cap);
    }
  }

  private static void softCapBackward(long y, float cap, long dy, int count) {
    int i = 0;
    for (; i + LANES <= count; i += LANES) {
      FloatVector t = load(y + 4L * i).div(cap);
      FloatVector d = load(dy + 4L * i);
      store(d.sub(d.mul(t).mul(t)), dy + 4L * i);
    }
    for (; i < count; i++) {
      float t = get(y + 4L * i) / cap;
      float d = get(dy + 4L * i);
      set(dy + 4L * i, d - d * t * t);
    }
  }
}
