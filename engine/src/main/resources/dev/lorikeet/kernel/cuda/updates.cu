// The updates of optimisers; a thread is an element unless said. Each has the order of operations of the
// CPU's kernel of the same name.
#include "common.cuh"

// What one AdamW update needs (kernel.AdamWStep): kept_* = β, new_* = 1 − β, decay = 1 − lr·λ,
// step_size = −lr / (1 − β₁ᵗ), root_scale = 1 / √(1 − β₂ᵗ).
struct AdamW {
  float kept_mean;
  float new_mean;
  float kept_square;
  float new_square;
  float decay;
  float step_size;
  float root_scale;
  float epsilon;
};

__device__ __forceinline__ float adamw_element(
    float parameter, float gradient, float* mean, float* square, const AdamW& step) {
  *mean = *mean * step.kept_mean + gradient * step.new_mean;
  *square = *square * step.kept_square + gradient * gradient * step.new_square;
  float root = sqrtf(*square) * step.root_scale + step.epsilon;
  return parameter * step.decay + *mean / root * step.step_size;
}

extern "C" __global__ void adamw(
    float* parameter, const float* gradient, float* mean, float* square, long long count, AdamW step) {
  for (long long i = grid_thread(); i < count; i += grid_threads()) {
    float m = mean[i];
    float v = square[i];
    parameter[i] = adamw_element(parameter[i], gradient[i], &m, &v, step);
    mean[i] = m;
    square[i] = v;
  }
}

// The 256 ascending values of an 8-bit state (Dettmers et al. 2022, section 1.3).
struct DynamicMap {
  float value[256];
};

// Code of the value nearest to x; halfway between two it is the even one. A negative number never
// becomes 0: it takes the value below.
__device__ __forceinline__ int nearest_code(const float* map, float x) {
  int code = 0;
  for (int step = 128; step > 0; step /= 2) {
    int upper = code + step;
    float middle = (map[upper - 1] + map[upper]) * 0.5f;
    if (x > middle || (x == middle && upper % 2 == 0)) {
      code = upper;
    }
  }
  return x < 0.0f && map[code] == 0.0f ? code - 1 : code;
}

// AdamW with states of 8 bits: block b has elements 256·b … 256·b + 255, which share the largest
// magnitude of each state. The parameter takes the states before they are rounded.
extern "C" __global__ void adamw_8bit(
    float* parameter,
    const float* gradient,
    unsigned char* mean,
    float* mean_max,
    unsigned char* square,
    float* square_max,
    long long count,
    AdamW step,
    const __grid_constant__ DynamicMap mean_values,
    const __grid_constant__ DynamicMap square_values) {
  __shared__ float mean_map[256];
  __shared__ float square_map[256];
  int thread = threadIdx.x;
  mean_map[thread] = mean_values.value[thread];
  square_map[thread] = square_values.value[thread];
  __syncthreads();
  long long i = grid_thread();
  float m = 0.0f;
  float v = 0.0f;
  if (i < count) {
    m = mean_map[mean[i]] * mean_max[blockIdx.x];
    v = square_map[square[i]] * square_max[blockIdx.x];
    parameter[i] = adamw_element(parameter[i], gradient[i], &m, &v, step);
  }
  float largest_mean = block_max(fabsf(m));
  float largest_square = block_max(fabsf(v));
  if (i < count) {
    // Code 127 of the signed map and code 0 of the unsigned one are 0.
    mean[i] = (unsigned char)(largest_mean == 0.0f ? 127 : nearest_code(mean_map, m / largest_mean));
    square[i] = (unsigned char)(largest_square == 0.0f ? 0 : nearest_code(square_map, v / largest_square));
  }
  if (thread == 0) {
    mean_max[blockIdx.x] = largest_mean;
    square_max[blockIdx.x] = largest_square;
  }
}

// p ← p − lr·(g + λp).
extern "C" __global__ void sgd(
    float* parameter, const float* gradient, long long count, float rate, float weight_decay) {
  for (long long i = grid_thread(); i < count; i += grid_threads()) {
    float slope = gradient[i] + weight_decay * parameter[i];
    parameter[i] = parameter[i] - rate * slope;
  }
}

// g ← g + λp; b ← μb + g; p ← p − lr·b, or with Nesterov p ← p − lr·(g + μb).
extern "C" __global__ void sgd_momentum(
    float* parameter,
    const float* gradient,
    float* buffer,
    long long count,
    float rate,
    float momentum,
    float weight_decay,
    int nesterov) {
  for (long long i = grid_thread(); i < count; i += grid_threads()) {
    float slope = gradient[i] + weight_decay * parameter[i];
    float b = momentum * buffer[i] + slope;
    buffer[i] = b;
    parameter[i] = parameter[i] - rate * (nesterov ? slope + momentum * b : b);
  }
}

// c = β₁m + (1−β₁)g; p ← p − lr·(sign(c) + λp); m ← β₂m + (1−β₂)g. sign(0) is 0.
extern "C" __global__ void lion(
    float* parameter,
    const float* gradient,
    float* mean,
    long long count,
    float rate,
    float weight_decay,
    float kept_direction,
    float new_direction,
    float kept_mean,
    float new_mean) {
  for (long long i = grid_thread(); i < count; i += grid_threads()) {
    float g = gradient[i];
    float m = mean[i];
    float c = kept_direction * m + new_direction * g;
    float sign = c > 0.0f ? 1.0f : c < 0.0f ? -1.0f : c;
    parameter[i] = parameter[i] - rate * (sign + weight_decay * parameter[i]);
    mean[i] = kept_mean * m + new_mean * g;
  }
}
