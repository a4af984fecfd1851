/**
 * The prompt: lines with completion, history and colour, by JLine. It runs the commands of {@link
 * dev.anneal.terminal.command}.
 */
package dev.anneal.terminal.repl;
