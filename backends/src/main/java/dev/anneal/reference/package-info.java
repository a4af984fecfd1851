/**
 * The specification of every op, in double precision and plain loops, and how near a device must
 * come to it. The backends' tests, {@code selftest} and {@code bench} hold devices against this. It
 * knows plans and no device.
 */
package dev.anneal.reference;
