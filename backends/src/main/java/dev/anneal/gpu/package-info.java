/**
 * What GPUs with a driver of their own have in common: the driver's contract, addresses for what
 * {@link dev.anneal.launch} has a program do, one graph per program, libraries and trials of their
 * algorithms. A vendor implements {@link dev.anneal.gpu.Driver}. It knows no vendor. Run on test
 * doubles, not yet on a GPU.
 */
package dev.anneal.gpu;
