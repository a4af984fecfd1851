/**
 * The CPU device: kernels in the Vector API, a fixed team of threads, bits that do not depend on
 * their number or on the machine's vector width. It is always there and is the reference in
 * comparisons. It implements {@link dev.anneal.device} and knows no other backend.
 */
package dev.anneal.cpu;
