/**
 * NVIDIA's GPUs: CUDA's driver by JCuda, and NVRTC, cuBLASLt and cuDNN by the FFM API, each found
 * when it is there and named when it is missing. It implements what {@link dev.anneal.gpu} asks of
 * a vendor; no other package uses it. Run on a test double, not yet on a GPU.
 */
package dev.anneal.cuda;
