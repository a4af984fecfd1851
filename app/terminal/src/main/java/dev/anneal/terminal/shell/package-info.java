/**
 * What commands are typed into, and the language: how one is read, run, completed and told to have
 * failed, alone, in a script or at the prompt. It may show a screen and hold a live run, and knows
 * no single command.
 */
package dev.anneal.terminal.shell;
