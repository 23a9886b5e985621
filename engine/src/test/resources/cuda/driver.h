// The functions of libcuda and libnvrtc that Lorikeet calls, over emulated kernels: included behind the
// kernels and their EMULATE lines. Host memory is the device's memory. Where the toolkit is installed its
// own headers declare the functions, so that a wrong signature does not compile.
#pragma once

#include <stdlib.h>

#if __has_include(<cuda.h>)
#include <cuda.h>
#else
typedef int CUresult;
typedef int CUdevice;
typedef int CUdevice_attribute;
typedef unsigned long long CUdeviceptr;
typedef struct CUctx_st* CUcontext;
typedef struct CUmod_st* CUmodule;
typedef struct CUfunc_st* CUfunction;
typedef struct CUstream_st* CUstream;
#define CUDA_SUCCESS 0
#define CUDA_ERROR_INVALID_VALUE 1
#define CUDA_ERROR_NOT_FOUND 500
#define CUDA_ERROR_LAUNCH_FAILED 719
#endif

namespace emulation {
inline int context_token, module_token, retained, current_context;

constexpr size_t GUARD_BYTES = 256;
constexpr int GUARD = 0x5A;

// Memory with bytes before and behind that nobody may change; its size stands in front.
inline char* guarded(size_t bytes) {
  char* all = (char*)aligned_alloc(GUARD_BYTES, (bytes + 3 * GUARD_BYTES) / GUARD_BYTES * GUARD_BYTES);
  memset(all, GUARD, GUARD_BYTES);
  memcpy(all, &bytes, sizeof bytes);
  memset(all + GUARD_BYTES + bytes, GUARD, GUARD_BYTES);
  return all + GUARD_BYTES;
}

// Frees it; false if something wrote beside it.
inline bool intact(char* memory) {
  char* all = memory - GUARD_BYTES;
  size_t bytes;
  memcpy(&bytes, all, sizeof bytes);
  bool whole = true;
  for (size_t i = sizeof bytes; i < GUARD_BYTES; i++) {
    whole &= all[i] == GUARD;
  }
  for (size_t i = 0; i < GUARD_BYTES; i++) {
    whole &= memory[bytes + i] == GUARD;
  }
  free(all);
  return whole;
}
}  // namespace emulation

using emulation::Machine;

extern "C" {

CUresult cuInit(unsigned flags) {
  return flags == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuDriverGetVersion(int* version) {
  *version = 13000;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int* count) {
  *count = 1;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGet(CUdevice* device, int ordinal) {
  *device = ordinal;
  return ordinal == 0 ? CUDA_SUCCESS : (CUresult)101;
}

CUresult cuMemGetInfo_v2(size_t* free, size_t* total) {
  *free = (size_t)3 << 30;
  *total = (size_t)4 << 30;
  return emulation::current_context ? CUDA_SUCCESS : (CUresult)201;
}

CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice) {
  *value = attribute == 75 ? 8 : attribute == 76 ? 0 : -1;
  return *value < 0 ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice) {
  emulation::retained++;
  *context = (CUcontext)&emulation::context_token;
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice) {
  return emulation::retained-- > 0 ? CUDA_SUCCESS : (CUresult)201;
}

CUresult cuCtxSetCurrent(CUcontext context) {
  emulation::current_context = context == (CUcontext)&emulation::context_token;
  return emulation::current_context ? CUDA_SUCCESS : (CUresult)201;
}

CUresult cuModuleLoadData(CUmodule* module, const void* image) {
  *module = (CUmodule)&emulation::module_token;
  return strncmp((const char*)image, "emulated", 8) == 0 ? CUDA_SUCCESS : (CUresult)200;
}

CUresult cuModuleUnload(CUmodule module) {
  return module == (CUmodule)&emulation::module_token ? CUDA_SUCCESS : (CUresult)400;
}

CUresult cuModuleGetFunction(CUfunction* function, CUmodule, const char* name) {
  for (emulation::Kernel& kernel : emulation::kernels()) {
    if (kernel.name == name) {
      *function = (CUfunction)&kernel;
      return CUDA_SUCCESS;
    }
  }
  return CUDA_ERROR_NOT_FOUND;
}

CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                        unsigned block_y, unsigned block_z, unsigned shared_bytes, CUstream stream, void** values,
                        void** extra) {
  if (!emulation::current_context || grid_z != 1 || block_y != 1 || block_z != 1 || shared_bytes != 0 || stream ||
      extra) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  emulation::Kernel* kernel = (emulation::Kernel*)function;
  return Machine::machine().run(grid_x, grid_y, block_x, kernel->body, values) ? CUDA_SUCCESS
                                                                               : CUDA_ERROR_LAUNCH_FAILED;
}

CUresult cuMemcpyDtoH_v2(void* to, CUdeviceptr from, size_t bytes) {
  memcpy(to, (const void*)from, bytes);
  return CUDA_SUCCESS;
}

CUresult cuMemAllocManaged(CUdeviceptr* to, size_t bytes, unsigned flags) {
  *to = (CUdeviceptr)emulation::guarded(bytes);
  return flags == 1 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuMemFree_v2(CUdeviceptr memory) {
  return emulation::intact((char*)memory) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGetErrorString(CUresult error, const char** text) {
  *text = error == CUDA_ERROR_LAUNCH_FAILED ? Machine::machine().failure.c_str() : "as the emulation's driver says";
  return CUDA_SUCCESS;
}

// The order of threads and blocks from now on.
void emulation_reverse(int reversed) {
  Machine::machine().reversed = reversed != 0;
}

// Kernels with the types of their parameters, a line each: name(p,i,f,).
const char* emulation_signatures() {
  static std::string text;
  text.clear();
  for (emulation::Kernel& kernel : emulation::kernels()) {
    text += kernel.name + "(" + kernel.signature + ")\n";
  }
  return text.c_str();
}

// libnvrtc: a "program" is its options, and compiling one whose source says `#error` fails with a log.
typedef int nvrtcResult;
typedef struct Program* nvrtcProgram;

struct Program {
  std::string source, log, image;
};

nvrtcResult nvrtcVersion(int* major, int* minor) {
  *major = 13;
  *minor = 0;
  return 0;
}

nvrtcResult nvrtcGetNumSupportedArchs(int* count) {
  *count = 4;
  return 0;
}

nvrtcResult nvrtcGetSupportedArchs(int* architectures) {
  const int all[] = {75, 80, 90, 120};
  memcpy(architectures, all, sizeof all);
  return 0;
}

nvrtcResult nvrtcCreateProgram(nvrtcProgram* program, const char* source, const char*, int headers, const char* const*,
                               const char* const*) {
  *program = new Program{source, "", ""};
  return headers == 0 ? 0 : 3;
}

nvrtcResult nvrtcCompileProgram(nvrtcProgram program, int count, const char* const* options) {
  program->image = "emulated";
  for (int i = 0; i < count; i++) {
    program->image += std::string(" ") + options[i];
  }
  if (program->source.find("#error") != std::string::npos) {
    program->log = "kernels.cu(1): error: #error directive";
    return 6;
  }
  return 0;
}

nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram program, size_t* size) {
  *size = program->log.size() + 1;
  return 0;
}

nvrtcResult nvrtcGetProgramLog(nvrtcProgram program, char* log) {
  memcpy(log, program->log.c_str(), program->log.size() + 1);
  return 0;
}

nvrtcResult nvrtcGetCUBINSize(nvrtcProgram program, size_t* size) {
  *size = program->image.size() + 1;
  return 0;
}

nvrtcResult nvrtcGetCUBIN(nvrtcProgram program, char* image) {
  memcpy(image, program->image.c_str(), program->image.size() + 1);
  return 0;
}

nvrtcResult nvrtcGetPTXSize(nvrtcProgram program, size_t* size) {
  return nvrtcGetCUBINSize(program, size);
}

nvrtcResult nvrtcGetPTX(nvrtcProgram program, char* image) {
  return nvrtcGetCUBIN(program, image);
}

nvrtcResult nvrtcDestroyProgram(nvrtcProgram* program) {
  delete *program;
  *program = nullptr;
  return 0;
}

const char* nvrtcGetErrorString(nvrtcResult result) {
  return result == 0 ? "NVRTC_SUCCESS" : result == 6 ? "NVRTC_ERROR_COMPILATION" : "NVRTC_ERROR";
}
}
