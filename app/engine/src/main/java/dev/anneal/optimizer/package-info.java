/**
 * How parameters follow their gradients: a file per optimizer, which says what it remembers of each
 * parameter and which ops its update has. It knows models' parameters and ops; schedules, steps and
 * devices are above and below it.
 */
package dev.anneal.optimizer;
