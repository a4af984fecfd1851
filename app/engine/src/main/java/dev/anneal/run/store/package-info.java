/**
 * The directories of runs: their checkpoints, what is recorded beside them, who may write, and what
 * a path that a user gave means. It may use {@code run.config} and {@code run.log}, and knows of a
 * run what {@link dev.anneal.run.store.Kept} says.
 */
package dev.anneal.run.store;
