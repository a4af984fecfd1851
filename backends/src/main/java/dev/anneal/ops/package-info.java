/**
 * Ops on random numbers, at the shapes where kernels go wrong: what {@code selftest} and the
 * backends' tests run on a device and in the reference. It knows the device interface, plans and
 * the reference, and no vendor.
 */
package dev.anneal.ops;
