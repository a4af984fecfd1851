/**
 * Failures that a user can meet: one line that names the thing, its value, what was expected and
 * what to do, and the exit code of the command. It knows nothing else, and everything may use it.
 */
package dev.anneal.failure;
