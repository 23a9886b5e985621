// The gate of a SwiGLU layer (Shazeer 2020): out = g·σ(g)·u. With s = σ(g): du = dout·g·s and
// dg = dout·u·s·(1 + g·(1 − s)) = dout·u·(s + gs − gs·s). A thread is an element; outputs may be the
// very memory of inputs.
#include "common.cuh"

__device__ __forceinline__ float sigmoid(float x) {
  return 1.0f / (expf(-x) + 1.0f);
}

extern "C" __global__ void swiglu(const float* gate, const float* up, float* out, long long count) {
  for (long long i = grid_thread(); i < count; i += grid_threads()) {
    float g = gate[i];
    out[i] = g * sigmoid(g) * up[i];
  }
}

extern "C" __global__ void swiglu_backward(
    const float* dout, const float* gate, const float* up, float* dgate, float* dup, long long count) {
  for (long long i = grid_thread(); i < count; i += grid_threads()) {
    float d = dout[i];
    float g = gate[i];
    float u = up[i];
    float s = sigmoid(g);
    float gs = g * s;
    dgate[i] = d * u * (s + gs - gs * s);
    dup[i] = d * gs;
  }
}
