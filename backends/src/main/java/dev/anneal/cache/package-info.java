/**
 * Files that can be made again: compiled kernels, tokens, choices of kernels. They lie in the
 * user's cache directory, and a damaged one is as good as none. It knows nothing else.
 */
package dev.anneal.cache;
