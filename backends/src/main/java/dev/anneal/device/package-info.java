/**
 * What a backend implements, the service provider interface: {@link dev.anneal.device.Backend}
 * finds devices, {@link dev.anneal.device.Device} allocates arenas and compiles plans, {@link
 * dev.anneal.device.Program} runs one. It knows plans and no vendor; everything above speaks to
 * devices by these types alone.
 */
package dev.anneal.device;
