// Element by element, and sums of squares.
#include "common.cuh"

extern "C" __global__ void add(const float* x, float* target, long long count) {
  for (long long i = grid_thread(); i < count; i += grid_threads()) {
    target[i] += x[i];
  }
}

extern "C" __global__ void scale(float* target, long long count, float factor) {
  for (long long i = grid_thread(); i < count; i += grid_threads()) {
    target[i] *= factor;
  }
}

// The hash of DropoutMask: bit for bit that of Java.
__device__ __forceinline__ unsigned mask_hash(unsigned row_key, unsigned channel) {
  unsigned h = row_key ^ (channel * 0x9E3779B9u);
  h ^= h >> 16;
  h *= 0x21F0AAADu;
  h ^= h >> 15;
  h *= 0x735A2D97u;
  return h ^ (h >> 15);
}

// out (= or +=) x·kept_scale where the hash of (row key, channel) is not below threshold, else 0.
// x, out [T, width], row_keys [T].
extern "C" __global__ void dropout(
    const float* x,
    const int* row_keys,
    float* out,
    long long count,
    int width,
    int threshold,
    float kept_scale,
    int add) {
  for (long long i = grid_thread(); i < count; i += grid_threads()) {
    unsigned h = mask_hash((unsigned)row_keys[i / width], (unsigned)(i % width));
    float result = h >= (unsigned)threshold ? x[i] * kept_scale : 0.0f;
    out[i] = add ? result + out[i] : result;
  }
}

// sums[b] = Σ x² over piece b, in double.
template <typename T>
__device__ __forceinline__ void squares_of_piece(const T* x, double* sums, long long count) {
  long long begin = (long long)blockIdx.x * PIECE;
  long long end = begin + PIECE < count ? begin + PIECE : count;
  double sum = 0.0;
  for (long long i = begin + threadIdx.x; i < end; i += blockDim.x) {
    double value = (double)load(x + i);
    sum += value * value;
  }
  store_block_sum(sum, sums);
}

extern "C" __global__ void squares_float32(const float* x, double* sums, long long count) {
  squares_of_piece(x, sums, count);
}

extern "C" __global__ void squares_bfloat16(const bfloat16* x, double* sums, long long count) {
  squares_of_piece(x, sums, count);
}

extern "C" __global__ void squares_float16(const float16* x, double* sums, long long count) {
  squares_of_piece(x, sums, count);
}

// total (= or +=) Σ parts, in one block.
extern "C" __global__ void total(const double* parts, double* total, int count, int add) {
  double sum = 0.0;
  for (int i = threadIdx.x; i < count; i += blockDim.x) {
    sum += parts[i];
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) {
    *total = add ? *total + sum : sum;
  }
}
