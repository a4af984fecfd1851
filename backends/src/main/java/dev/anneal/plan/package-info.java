/**
 * A training step as data: tensors, ops, the backward pass that is derived from them, rewrites of
 * lists of ops, and the place of every tensor in memory. A plan knows no device and no model; all
 * that it uses is {@link dev.anneal.failure}. The words are explained at {@link dev.anneal.plan.Op}
 * and {@link dev.anneal.plan.Plan}.
 */
package dev.anneal.plan;
