/**
 * Measuring and checking: two devices op by op, every version of a kernel, single ops, whole steps,
 * and a device against PyTorch. It knows models, training, the reference and the device interface,
 * and prints nothing.
 */
package dev.anneal.eval;
