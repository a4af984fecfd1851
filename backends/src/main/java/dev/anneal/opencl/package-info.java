/**
 * Any OpenCL device, by JOCL: ops as launches of the kernels of {@code kernels-opencl}, versions
 * for GPUs and for CPUs, programs built and cached per device. It implements {@link
 * dev.anneal.device}, and shares with {@link dev.anneal.gpu} what is no vendor's. Tried on CPUs
 * only, through PoCL, rusticl and oclgrind.
 */
package dev.anneal.opencl;
