package dev.lorikeet.torch;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A value of libtorch: dense, of any shape, alive until its {@link LibTorch} session is closed.
 * Shapes broadcast as in libtorch; negative dimensions count from the last.
 */
public final class TorchValue {
  private final LibTorch session;
  private final org.bytedeco.pytorch.Tensor tensor;

  TorchValue(LibTorch session, org.bytedeco.pytorch.Tensor tensor) {
    this.session = session;
    this.tensor = tensor;
  }

  org.bytedeco.pytorch.Tensor tensor() {
    return tensor;
  }

  private TorchValue of(org.bytedeco.pytorch.Tensor result) {
    return new TorchValue(session, result);
  }

  public TorchValue add(TorchValue other) {
    return of(tensor.add(other.tensor));
  }

  public TorchValue add(double number) {
    return of(tensor.add(new Scalar(number)));
  }

  public TorchValue sub(TorchValue other) {
    return of(tensor.sub(other.tensor));
  }

  public TorchValue mul(TorchValue other) {
    return of(tensor.mul(other.tensor));
  }

  public TorchValue mul(double number) {
    return of(tensor.mul(new Scalar(number)));
  }

  public TorchValue div(TorchValue other) {
    return of(tensor.div(other.tensor));
  }

  public TorchValue div(double number) {
    return of(tensor.div(new Scalar(number)));
  }

  public TorchValue square() {
    return of(tensor.square());
  }

  public TorchValue sqrt() {
    return of(tensor.sqrt());
  }

  public TorchValue rsqrt() {
    return of(tensor.rsqrt());
  }

  public TorchValue exp() {
    return of(tensor.exp());
  }

  /** The error function. */
  public TorchValue erf() {
    return of(tensor.erf());
  }

  public TorchValue tanh() {
    return of(tensor.tanh());
  }

  public TorchValue sigmoid() {
    return of(tensor.sigmoid());
  }

  /** Matrix product of the last two dimensions, batched over those before. */
  public TorchValue matmul(TorchValue other) {
    return of(tensor.matmul(other.tensor));
  }

  public TorchValue transpose(int dim0, int dim1) {
    return of(tensor.transpose(dim0, dim1));
  }

  public TorchValue reshape(long... shape) {
    return of(tensor.reshape(shape));
  }

  /** Elements {@code from … to − 1} of a dimension. */
  public TorchValue slice(int dim, long from, long to) {
    return of(tensor.slice(dim, new LongOptional(from), new LongOptional(to), 1));
  }

  /** Every element of a dimension {@code times} times, copies side by side. */
  public TorchValue repeat(int dim, long times) {
    return of(tensor.repeat_interleave(times, new LongOptional(dim), new LongOptional()));
  }

  /** The sum over a dimension, which stays with length 1. */
  public TorchValue sum(int dim) {
    return of(tensor.sum(new long[] {dim}, true, new ScalarTypeOptional()));
  }

  /** The mean over a dimension, which stays with length 1. */
  public TorchValue mean(int dim) {
    return of(tensor.mean(new long[] {dim}, true, new ScalarTypeOptional()));
  }

  /** The first index of the largest number along a dimension, which stays with length 1. */
  public TorchValue indexOfLargest(int dim) {
    return of(tensor.argmax(new LongOptional(dim), true));
  }

  /** log Σ e^x over a dimension, which stays with length 1. */
  public TorchValue logSumExp(int dim) {
    return of(tensor.logsumexp(new long[] {dim}, true));
  }

  /** The sum of all elements, a value without dimensions. */
  public TorchValue total() {
    return of(tensor.sum());
  }

  /** Rows by index; {@code ids} are whole numbers [N]. */
  public TorchValue rowsAt(TorchValue ids) {
    return of(tensor.index_select(0, ids.tensor));
  }

  /** This with {@code rows} added to the rows {@code ids}, in order. */
  public TorchValue addRowsAt(TorchValue ids, TorchValue rows) {
    return of(tensor.index_add(0, ids.tensor, rows.tensor));
  }

  /** For every row t of [T, N] its element {@code ids[t]}, as [T, 1]. */
  public TorchValue pick(TorchValue ids) {
    return of(tensor.gather(1, ids.tensor.reshape(-1, 1)));
  }

  /** 1 where an element is at least {@code limit}, else 0, in the session's precision. */
  public TorchValue atLeast(long limit) {
    return of(tensor.ge(new Scalar(limit)).to(session.elementType()));
  }

  /** This where {@code visible} is not 0, −∞ elsewhere. */
  public TorchValue hiddenUnless(TorchValue visible) {
    Scalar hidden = new Scalar(Double.NEGATIVE_INFINITY);
    return of(tensor.masked_fill(visible.tensor.lt(new Scalar(0.5)), hidden));
  }

  /** Whole numbers: exclusive or. */
  public TorchValue xor(TorchValue other) {
    return of(tensor.bitwise_xor(other.tensor));
  }

  /** Whole numbers: product, keeping the lowest 32 bits as a number from 0. */
  public TorchValue times32(long factor) {
    return of(tensor.mul(new Scalar(factor)).bitwise_and(new Scalar(0xFFFFFFFFL)));
  }

  /** Whole numbers from 0: shifted to the right. */
  public TorchValue shiftRight(int bits) {
    return of(tensor.__rshift__(new Scalar((long) bits)));
  }

  /** The same numbers as int64. */
  public TorchValue whole() {
    return of(tensor.to(ScalarType.Long));
  }

  /** The same numbers in double. */
  public TorchValue inDouble() {
    return of(tensor.to(ScalarType.Double));
  }

  /** −1, 0 or 1: the sign of every element. */
  public TorchValue sign() {
    return of(tensor.sign());
  }

  /** Differentiates this single number with respect to every leaf. */
  public void backward() {
    tensor.backward();
  }

  /** The gradient of a leaf after {@link #backward()}. */
  public TorchValue gradient() {
    org.bytedeco.pytorch.Tensor gradient = tensor.grad();
    if (!gradient.defined()) {
      throw new IllegalStateException("no gradient has reached this value");
    }
    return of(gradient);
  }

  /** The value of the only element. */
  public double item() {
    return tensor.item_double();
  }

  /** Copies the elements into {@code target}, which has as many, rounding to its type. */
  public void copyTo(Tensor target) {
    session.memory(target).copy_(tensor.detach().reshape(target.shape()));
  }

  /** Copies the bytes of the elements, which have a dimension, into {@code target}, uint8. */
  public void copyBytesTo(Tensor target) {
    session.memory(target).copy_(tensor.detach().contiguous().view(ScalarType.Byte));
  }

  /** Copies the elements out, row-major. */
  public double[] toDoubles() {
    org.bytedeco.pytorch.Tensor dense = tensor.detach().to(ScalarType.Double).contiguous();
    return MemorySegment.ofAddress(dense.data_ptr().address())
        .reinterpret(dense.numel() * Double.BYTES)
        .toArray(ValueLayout.JAVA_DOUBLE);
  }
}
