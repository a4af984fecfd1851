/**
 * AMD's GPUs: HIP's runtime, hipRTC and hipBLASLt by the FFM API, from ROCm 5 to 7. It implements
 * what {@link dev.anneal.gpu} asks of a vendor; no other package uses it. Run on a test double, not
 * yet on a GPU.
 */
package dev.anneal.hip;
