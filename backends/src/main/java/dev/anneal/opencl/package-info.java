/**
 * Any OpenCL device, by JOCL: its libraries, contexts and queues, what its driver says of itself,
 * arenas in several buffers, programs built and cached per device, launches in parts. What is
 * launched is {@link dev.anneal.launch}'s. It implements {@link dev.anneal.device}, and shares with
 * {@link dev.anneal.gpu} what is no vendor's. Tried on CPUs only, through PoCL, rusticl and
 * oclgrind.
 */
package dev.anneal.opencl;
