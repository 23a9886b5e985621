package dev.lorikeet.quant;

import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.format.GgufBlocks;
import dev.lorikeet.format.GgufType;
import dev.lorikeet.format.HfCheckpoint;
import dev.lorikeet.format.StoredQuantization;
import dev.lorikeet.kernel.DeviceMatrix;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.torch.TiledMatrix.RowDots;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/** A weight in the blocks of a GGUF file; a row is whole blocks. */
final class BlockWeight implements QuantizedWeight {
  private final GgufType type;
  private final int outFeatures;
  private final int inFeatures;
  private final Tensor blocks;

  private BlockWeight(GgufType type, int outFeatures, int inFeatures, Tensor blocks) {
    this.type = type;
    this.outFeatures = outFeatures;
    this.inFeatures = inFeatures;
    this.blocks = blocks;
  }

  /**
   * A copy of a stored weight in memory that the host sees.
   *
   * @param type as {@link HfCheckpoint#blockType} says
   */
  static BlockWeight read(
      HfCheckpoint files,
      String name,
      GgufType type,
      int outFeatures,
      int inFeatures,
      Device device) {
    Tensor blocks = device.empty(DType.UINT8, type.bytes((long) outFeatures * inFeatures));
    try {
      if (device.holdsValues()) {
        blocks.fill(bytes -> files.readBlocks(name, bytes));
      }
    } catch (RuntimeException failure) {
      blocks.close();
      throw failure;
    }
    return new BlockWeight(type, outFeatures, inFeatures, blocks);
  }

  @Override
  public int outFeatures() {
    return outFeatures;
  }

  @Override
  public int inFeatures() {
    return inFeatures;
  }

  @Override
  public Quantization format() {
    return Quantization.NONE;
  }

  @Override
  public Device device() {
    return blocks.device();
  }

  @Override
  public long bytes() {
    return blocks.bytes();
  }

  @Override
  public void dequantizeRows(int first, int count, long out) {
    long rowBytes = type.bytes(inFeatures);
    GgufBlocks.decode(
        type,
        blocks.segment().asSlice(first * rowBytes, count * rowBytes),
        MemorySegment.ofAddress(out).reinterpret((long) Float.BYTES * count * inFeatures));
  }

  @Override
  public DeviceMatrix onDevice() {
    throw new IllegalStateException("no kernel reads " + type + " in the memory of " + device());
  }

  @Override
  public QuantizedWeight movedTo(Device other) {
    if (other.equals(device())) {
      return this;
    }
    throw new IllegalStateException("blocks of a GGUF file stay on " + device());
  }

  @Override
  public Optional<RowDots> dots() {
    return Optional.empty();
  }

  @Override
  public StoredQuantization stored() {
    return new StoredQuantization.Blocks(
        type,
        List.of((long) outFeatures, (long) inFeatures),
        // The garbage collector frees copies: nobody closes what files hold.
        blocks.onHost(Arena.ofAuto()));
  }

  @Override
  public void close() {
    blocks.close();
  }
}
