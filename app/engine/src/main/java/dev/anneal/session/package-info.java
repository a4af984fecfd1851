/**
 * A run: its configuration, its thread, what it tells its listeners, its directory with log and
 * checkpoints. Commands take effect between two steps. It knows everything below and nothing of a
 * terminal, so that the prompt, the dashboard, {@code --json} and tests are all its listeners
 * alike.
 */
package dev.anneal.session;
