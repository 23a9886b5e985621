// y = alpha·x·Wᵀ + beta·y for up to eight rows x, as in decoding, where reading W is the work: a warp has
// one row of W, and a lane reads a word of eight elements of it at a time and uses it for every row of x.
// x [height, columns], W [rows, columns] in 4 bits, y [height, rows].
#include "common.cuh"
#include "four_bit.cuh"

template <int HEIGHT>
__device__ __forceinline__ void few_rows(
    const FourBit& w, const float* x, float* y, int height, float alpha, float beta) {
  __shared__ Tables tables;
  read_tables(w, &tables);
  int row = blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP;
  int lane = threadIdx.x % WARP;
  if (row >= w.rows) {
    return;  // the whole warp
  }
  long long begin = (long long)row * w.columns;
  long long end = begin + w.columns;
  float sums[HEIGHT] = {};
  for (long long word = begin / 8 + lane; word * 8 < end; word += WARP) {
    float values[8];
    eight_of(w, tables, word * 8, begin, end, values);
#pragma unroll
    for (int j = 0; j < 8; j++) {
      long long column = word * 8 + j - begin;
      if (column >= 0 && column < w.columns) {
#pragma unroll
        for (int m = 0; m < HEIGHT; m++) {
          if (m < height) {
            sums[m] = fmaf(values[j], x[(long long)m * w.columns + column], sums[m]);
          }
        }
      }
    }
  }
#pragma unroll
  for (int m = 0; m < HEIGHT; m++) {
    float sum = warp_sum(sums[m]);
    if (lane == 0 && m < height) {
      float* to = y + (long long)m * w.rows + row;
      *to = beta == 0.0f ? alpha * sum : alpha * sum + beta * *to;
    }
  }
}

extern "C" __global__ void four_bit_rows_1(
    const __grid_constant__ FourBit w, const float* x, float* y, int height, float alpha, float beta) {
  few_rows<1>(w, x, y, height, alpha, beta);
}

extern "C" __global__ void four_bit_rows_4(
    const __grid_constant__ FourBit w, const float* x, float* y, int height, float alpha, float beta) {
  few_rows<4>(w, x, y, height, alpha, beta);
}

extern "C" __global__ void four_bit_rows_8(
    const __grid_constant__ FourBit w, const float* x, float* y, int height, float alpha, float beta) {
  few_rows<8>(w, x, y, height, alpha, beta);
}
