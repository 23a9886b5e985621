// Cross-entropy of rows of logits: max + log Σ e^(x − max) − x[label]. logits [T, width], labels [T],
// losses and hits [T]. Block t is row t. Maximum and sum come from one reading of the row: each thread
// keeps both of its own logits and corrects the sum when the maximum grows (Milakov and Gimelshein 2018,
// algorithm 3); then they are joined in a fixed order. A label outside the row gives a loss that is not a
// number.
#include "common.cuh"

// The sum of e^(x − max) over some logits.
struct Exponentials {
  float max;
  float sum;
};

__device__ __forceinline__ float least() {
  return bits_to_float(0xff800000u);
}

// Symmetric to the last bit, so that both lanes of a pair get the same.
__device__ __forceinline__ Exponentials join(Exponentials a, Exponentials b) {
  Exponentials both;
  both.max = fmaxf(a.max, b.max);
  float of_a = a.max == both.max ? a.sum : a.sum * expf(a.max - both.max);
  float of_b = b.max == both.max ? b.sum : b.sum * expf(b.max - both.max);
  both.sum = of_a + of_b;
  return both;
}

__device__ __forceinline__ Exponentials join_warp(Exponentials own) {
  for (int distance = WARP / 2; distance > 0; distance /= 2) {
    Exponentials other;
    other.max = __shfl_xor_sync(ALL_LANES, own.max, distance);
    other.sum = __shfl_xor_sync(ALL_LANES, own.sum, distance);
    own = join(own, other);
  }
  return own;
}

__device__ __forceinline__ Exponentials of_row(const float* row, int width) {
  __shared__ Exponentials of_warp[WARP];
  Exponentials own = {least(), 0.0f};
  for (int i = threadIdx.x; i < width; i += blockDim.x) {
    float x = row[i];
    if (x > own.max) {
      own.sum = own.sum * expf(own.max - x) + 1.0f;
      own.max = x;
    } else {
      // Where both are −∞ their difference would be no number.
      own.sum += x == own.max ? 1.0f : expf(x - own.max);
    }
  }
  int lane = threadIdx.x % WARP;
  own = join_warp(own);
  if (lane == 0) {
    of_warp[threadIdx.x / WARP] = own;
  }
  __syncthreads();
  Exponentials none = {least(), 0.0f};
  return join_warp(lane < (int)(blockDim.x / WARP) ? of_warp[lane] : none);
}

__device__ __forceinline__ float loss_of(Exponentials all, float at_label) {
  return (float)(log((double)all.sum) + (double)all.max - (double)at_label);
}

__device__ __forceinline__ float at_label(const float* row, int label, int width) {
  return label >= 0 && label < width ? row[label] : bits_to_float(0x7fc00000u);
}

extern "C" __global__ void cross_entropy(
    const float* logits, const int* labels, float* losses, int width) {
  const float* row = logits + (long long)blockIdx.x * width;
  Exponentials all = of_row(row, width);
  if (threadIdx.x == 0) {
    losses[blockIdx.x] = loss_of(all, at_label(row, labels[blockIdx.x], width));
  }
}

// The same, and the row becomes scale · (softmax − onehot(label)).
extern "C" __global__ void cross_entropy_with_gradient(
    float* logits, const int* labels, float* losses, int width, float scale) {
  float* row = logits + (long long)blockIdx.x * width;
  int label = labels[blockIdx.x];
  float of_label = at_label(row, label, width);
  Exponentials all = of_row(row, width);  // nobody writes before everybody has read: it waits for all
  if (threadIdx.x == 0) {
    losses[blockIdx.x] = loss_of(all, of_label);
  }
  float factor = scale / all.sum;
  for (int i = threadIdx.x; i < width; i += blockDim.x) {
    float gradient = expf(row[i] - all.max) * factor;
    row[i] = i == label ? gradient - scale : gradient;
  }
}

// hits[t] = 1 if the label is the first index of the row's largest logit; 0 where a logit is not a number.
extern "C" __global__ void label_is_largest(
    const float* logits, const int* labels, float* hits, int width) {
  const float* row = logits + (long long)blockIdx.x * width;
  int label = labels[blockIdx.x];
  float value = at_label(row, label, width);
  int beaten = 0;
  for (int i = threadIdx.x; i < width; i += blockDim.x) {
    // False for what is not a number, on either side.
    bool below = i < label ? row[i] < value : row[i] <= value;
    beaten |= !below;
  }
  beaten = __syncthreads_or(beaten);
  if (threadIdx.x == 0) {
    hits[blockIdx.x] = beaten ? 0.0f : 1.0f;
  }
}
