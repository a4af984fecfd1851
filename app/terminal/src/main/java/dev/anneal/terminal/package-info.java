/**
 * The program: {@code main}, the process's standard streams and signals, and the exit code. It puts
 * the packages below it together and nothing depends on it.
 */
package dev.anneal.terminal;
