/**
 * What {@code selftest} checks: that a device computes every op in every version and format as the
 * reference does, alone and in training steps. It builds on {@link dev.anneal.eval} and {@link
 * dev.anneal.ops}.
 */
package dev.anneal.eval.selftest;
