// What every kernel here may use. No header of the toolkit is included, so that the run-time compiler
// needs nothing but itself; and products and sums are contracted only where fmaf says so (--fmad=false),
// so that an expression has one meaning wherever it is compiled.
#pragma once

// Threads of a warp, and all of them.
#define WARP 32
#define ALL_LANES 0xffffffffu

// Position of this thread among all threads of the grid, and how many there are: a loop from the one in
// steps of the other covers any count with any grid.
__device__ __forceinline__ long long grid_thread() {
  return (long long)blockIdx.x * blockDim.x + threadIdx.x;
}

__device__ __forceinline__ long long grid_threads() {
  return (long long)gridDim.x * blockDim.x;
}

// The 16 bits of a bfloat16 or of an IEEE float16; two types, so that load and store know which.
struct bfloat16 {
  unsigned short bits;
};

struct float16 {
  unsigned short bits;
};

// A float32 and its bits.
union FloatBits {
  float value;
  unsigned bits;
};

__device__ __forceinline__ float bits_to_float(unsigned bits) {
  FloatBits number;
  number.bits = bits;
  return number.value;
}

__device__ __forceinline__ unsigned float_to_bits(float value) {
  FloatBits number;
  number.value = value;
  return number.bits;
}

__device__ __forceinline__ float load(const float* from) {
  return *from;
}

__device__ __forceinline__ float load(const bfloat16* from) {
  return bits_to_float((unsigned)from->bits << 16);
}

// A float16 has 5 bits of exponent and 10 of fraction: as those of a float32 it is 2^112 too small, and a
// product with that power of two is exact for subnormal numbers too. The largest exponent is infinity.
__device__ __forceinline__ float load(const float16* from) {
  unsigned sign = (unsigned)(from->bits & 0x8000) << 16;
  unsigned magnitude = (unsigned)(from->bits & 0x7fff) << 13;
  if (magnitude >= 0x7c00u << 13) {
    return bits_to_float(sign | magnitude | 0x7f800000u);
  }
  return bits_to_float(sign | float_to_bits(bits_to_float(magnitude) * 5.192296858534828e33f));
}

__device__ __forceinline__ void store(float* to, float value) {
  *to = value;
}

// To the nearest, ties to even; not a number stays one.
__device__ __forceinline__ void store(bfloat16* to, float value) {
  unsigned bits = float_to_bits(value);
  bool number = (bits & 0x7fffffffu) <= 0x7f800000u;
  unsigned rounded = bits + 0x7fffu + ((bits >> 16) & 1u);
  to->bits = (unsigned short)((number ? rounded : bits | 0x00400000u) >> 16);
}

// The same. Below 2^-14 numbers are whole multiples of 2^-24, and adding 1/2, whose last place that is, rounds.
__device__ __forceinline__ void store(float16* to, float value) {
  unsigned bits = float_to_bits(value);
  unsigned sign = (bits >> 16) & 0x8000u;
  unsigned magnitude = bits & 0x7fffffffu;
  unsigned half;
  if (magnitude > 0x7f800000u) {
    half = 0x7e00u;
  } else if (magnitude >= 0x477ff000u) {
    half = 0x7c00u;
  } else if (magnitude < 0x38800000u) {
    half = float_to_bits(bits_to_float(magnitude) + 0.5f) - float_to_bits(0.5f);
  } else {
    half = (magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
  }
  to->bits = (unsigned short)(sign | half);
}

// Sum over the lanes of a warp, in every lane the same one.
template <typename T>
__device__ __forceinline__ T warp_sum(T value) {
  for (int distance = WARP / 2; distance > 0; distance /= 2) {
    value += __shfl_xor_sync(ALL_LANES, value, distance);
  }
  return value;
}

// Sum over the threads of a block, whose number is a multiple of 32: first in each warp, then over the warps;
// the order is fixed, and every thread gets the result.
template <typename T>
__device__ __forceinline__ T block_sum(T value) {
  __shared__ T of_warp[WARP];
  int lane = threadIdx.x % WARP;
  value = warp_sum(value);
  __syncthreads();  // somebody may still read the sums of an earlier call
  if (lane == 0) {
    of_warp[threadIdx.x / WARP] = value;
  }
  __syncthreads();
  return warp_sum(lane < (int)(blockDim.x / WARP) ? of_warp[lane] : (T)0);
}

// sums[b] = the sum over the threads of block b.
__device__ __forceinline__ void store_block_sum(double value, double* sums) {
  value = block_sum(value);
  if (threadIdx.x == 0) {
    sums[blockIdx.x] = value;
  }
}

// Elements of a piece, whose sum of squares one block takes.
#define PIECE 4096

// Largest over the lanes of a warp, in every lane the same one.
__device__ __forceinline__ float warp_max(float value) {
  for (int distance = WARP / 2; distance > 0; distance /= 2) {
    value = fmaxf(value, __shfl_xor_sync(ALL_LANES, value, distance));
  }
  return value;
}

// Largest of the values of a block's threads; none of them is negative.
__device__ __forceinline__ float block_max(float value) {
  __shared__ float of_warp[WARP];
  int lane = threadIdx.x % WARP;
  value = warp_max(value);
  __syncthreads();
  if (lane == 0) {
    of_warp[threadIdx.x / WARP] = value;
  }
  __syncthreads();
  return warp_max(lane < (int)(blockDim.x / WARP) ? of_warp[lane] : 0.0f);
}

// Sums over the rows of a matrix are shared by STRANDS threads a column: strand s adds rows s, s + STRANDS, …,
// and then the strands are added in their order. A block is STRANDS warps, a lane is a column.
#define STRANDS 16

__device__ __forceinline__ int strand() {
  return threadIdx.x / WARP;
}

__device__ __forceinline__ int strand_column() {
  return blockIdx.x * WARP + threadIdx.x % WARP;
}

// The sum of a column's strands, for strand 0 only.
template <typename T>
__device__ __forceinline__ T sum_of_strands(T value) {
  __shared__ T of_strand[STRANDS][WARP];
  of_strand[strand()][threadIdx.x % WARP] = value;
  __syncthreads();
  T total = 0;
  if (strand() == 0) {
    for (int s = 0; s < STRANDS; s++) {
      total += of_strand[s][threadIdx.x % WARP];
    }
  }
  return total;
}
