/**
 * A run, the thread that it has to itself, and how it is begun, opened, steered and looked at.
 * Commands take effect between two steps; the prompt, the dashboard, {@code --json} and tests are
 * listeners of the same events. It may use all else of the engine and knows no terminal.
 */
package dev.anneal.run;
