/**
 * What GPUs with a driver of their own have in common: ops as commands (kernel launches, fills,
 * products by a library), fusions of neighbours, versions of kernels, one graph per program. A
 * vendor implements {@link dev.anneal.gpu.Driver}. It knows plans and the device interface, and no
 * vendor. Run on test doubles, not yet on a GPU.
 */
package dev.anneal.gpu;
