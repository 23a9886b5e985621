// Frozen weights in 4 bits: w = map[code]·scale(block), row-major over the whole matrix, the even element
// in the high four bits of a byte (the layout of bitsandbytes). A scale is a float32, or a byte that
// stands for map[byte]·absmax + offset (Dettmers et al. 2023, section 3: double quantisation).
#pragma once
#include "common.cuh"

// Blocks have 2^block_shift elements, at least 32; of scales 2^nested_shift share an absmax, which is null
// where scales are float32.
struct FourBit {
  const unsigned char* codes;
  const void* scales;
  const float* absmax;
  int rows;
  int columns;
  int block_shift;
  int nested_shift;
  float offset;
  float map[16];
  float nested_map[256];
};

// What codes stand for, near to every thread of a block.
struct Tables {
  float map[16];
  float nested_map[256];
};

__device__ __forceinline__ void read_tables(const FourBit& w, Tables* tables) {
  for (int i = threadIdx.x; i < 256; i += blockDim.x) {
    if (i < 16) {
      tables->map[i] = w.map[i];
    }
    tables->nested_map[i] = w.nested_map[i];
  }
  __syncthreads();
}

__device__ __forceinline__ float scale_of(const FourBit& w, const Tables& tables, long long element) {
  long long block = element >> w.block_shift;
  if (w.absmax == 0) {
    return ((const float*)w.scales)[block];
  }
  int code = ((const unsigned char*)w.scales)[block];
  return tables.nested_map[code] * w.absmax[block >> w.nested_shift] + w.offset;
}

__device__ __forceinline__ float element_of(const FourBit& w, const Tables& tables, long long element) {
  int pair = w.codes[element >> 1];
  int code = element % 2 == 0 ? pair >> 4 : pair & 15;
  return tables.map[code] * scale_of(w, tables, element);
}

// Elements first … first + 7 of the matrix; those outside begin … end − 1 are 0. Eight elements from a
// multiple of eight on are one word of 32 bits and in one block.
__device__ __forceinline__ void eight_of(
    const FourBit& w, const Tables& tables, long long first, long long begin, long long end, float* values) {
  if (first % 8 == 0 && first >= begin && first + 8 <= end) {
    unsigned word = *(const unsigned*)(w.codes + (first >> 1));
    float scale = scale_of(w, tables, first);
#pragma unroll
    for (int j = 0; j < 8; j++) {
      // Element j is in byte j / 2, the even one higher.
      int shift = j / 2 * 8 + (j % 2 == 0 ? 4 : 0);
      values[j] = tables.map[(word >> shift) & 15] * scale;
    }
    return;
  }
  for (int j = 0; j < 8; j++) {
    long long element = first + j;
    values[j] = element >= begin && element < end ? element_of(w, tables, element) : 0.0f;
  }
}
