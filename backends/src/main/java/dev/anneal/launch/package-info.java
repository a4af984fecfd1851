/**
 * From ops to launches, for OpenCL, CUDA and HIP alike: the versions of each layer's kernels, what
 * they suit and what they are launched with; which of them a device runs; and which ops one launch
 * does together. Launches name tensors and scratch. A driver says where these are when it binds a
 * program.
 */
package dev.anneal.launch;
