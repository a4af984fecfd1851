// GELU in the tanh form, out = in * 0.5 * (1 + tanh(sqrt(2/pi) * (in + 0.044715 in^3))), and its
// gradient dIn = dOut * gelu'(in), element by element. out may be in; dIn may be dOut or in.
//
// Memory: forward 8 bytes per element, backward 12, half of it in 16 bits. Arithmetic: about 25 and 35 operations, so that
// memory is the limit on a GPU, and both are near each other on a CPU.
//
// Written with a sigmoid, since 0.5 (1 + tanh u) = 1 / (1 + exp(-2u)): one exponential and one
// division, and no cancellation for small u. Source: Hendrycks, Gimpel, 2016.
//
// v1  one work-item per element.
// v2  for CPUs: one work-item per sixteen elements, as one vector: loads and stores of a whole line,
//     and the exponential's sixteen lanes in one register. Same bits.

#define CUBIC 0.044715f
#define TWO_SQRT_2_OVER_PI 1.5957691216f

#define DEFINE_GELU(FORWARD, BACKWARD, FLOAT, EXP)                                              \
  static FLOAT FORWARD##_sigmoid(FLOAT x) {                                                     \
    FLOAT u = x * fma(x * x, (FLOAT)(CUBIC * TWO_SQRT_2_OVER_PI), (FLOAT)(TWO_SQRT_2_OVER_PI)); \
    return (FLOAT)(1.0f) / (EXP(-u) + (FLOAT)(1.0f));                                           \
  }                                                                                             \
  static FLOAT FORWARD(FLOAT x) {                                                               \
    return x * FORWARD##_sigmoid(x);                                                            \
  }                                                                                             \
  /* d(2u)/dx = 2 sqrt(2/pi) (1 + 3 * 0.044715 x^2) */                                          \
  static FLOAT BACKWARD(FLOAT x, FLOAT d) {                                                     \
    FLOAT s = FORWARD##_sigmoid(x);                                                             \
    FLOAT slope =                                                                               \
        fma(x * x, (FLOAT)(3 * CUBIC * TWO_SQRT_2_OVER_PI), (FLOAT)(TWO_SQRT_2_OVER_PI));       \
    return fma(x, (s - s * s) * slope, s) * d;                                                  \
  }

DEFINE_GELU(gelu_1, gelu_backward_1, float, exp_1)
DEFINE_GELU(gelu_16, gelu_backward_16, float16, exp_16)

#if HAS(1)

__kernel void gelu_forward_v1(ACTIVATIONS_OUT(out), ACTIVATIONS(in), const ulong n) {
  size_t i = get_global_id(0);
  if (i < n) {
    STORE(gelu_1(LOAD(i, in + in_at)), i, out + out_at);
  }
}

__kernel void gelu_backward_v1(ACTIVATIONS_OUT(dIn), ACTIVATIONS(dOut), ACTIVATIONS(in),
                               const ulong n) {
  size_t i = get_global_id(0);
  if (i < n) {
    float x = LOAD(i, in + in_at);
    STORE(gelu_backward_1(x, LOAD(i, dOut + dOut_at)), i, dIn + dIn_at);
  }
}

#endif

#if HAS(2)

__kernel void gelu_forward_v2(ACTIVATIONS_OUT(out), ACTIVATIONS(in), const ulong n) {
  size_t i = 16 * get_global_id(0);
  if (i + 16 <= n) {
    STORE16(gelu_16(LOAD16(0, in + in_at + i)), 0, out + out_at + i);
  } else {
    for (; i < n; i++) {
      STORE(gelu_1(LOAD(i, in + in_at)), i, out + out_at);
    }
  }
}

__kernel void gelu_backward_v2(ACTIVATIONS_OUT(dIn), ACTIVATIONS(dOut), ACTIVATIONS(in),
                               const ulong n) {
  size_t i = 16 * get_global_id(0);
  if (i + 16 <= n) {
    float16 x = LOAD16(0, in + in_at + i);
    STORE16(gelu_backward_16(x, LOAD16(0, dOut + dOut_at + i)), 0, dIn + dIn_at + i);
  } else {
    for (; i < n; i++) {
      float x = LOAD(i, in + in_at);
      STORE(gelu_backward_1(x, LOAD(i, dOut + dOut_at)), i, dIn + dIn_at);
    }
  }
}

#endif
