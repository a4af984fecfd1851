// SwiGLU's gate, out = silu(gate) * up with silu(x) = x * sigmoid(x), and its gradient: with s =
// sigmoid(gate), d gate = dOut * up * s (1 + gate (1 - s)), d up = dOut * gate * s. A row of in has F
// gates and then F ups, a row of out has F.
//
// Memory: forward 12 bytes per element of out, backward 20, half of it in 16 bits. One exponential and
// one division each. Source: Shazeer, "GLU Variants Improve Transformer", 2020.
//
// v1  one work-item per element of out.
// v2  for CPUs: one work-item per sixteen elements of a row, as one vector: loads and stores of a whole
//     line, and the exponential's sixteen lanes in one register. Same bits.

// silu' = s (1 + gate (1 - s)) = silu - silu s + s.
#define DEFINE_SWIGLU(SIZE, FLOAT)                           \
  static FLOAT sigmoid_##SIZE(FLOAT x) {                     \
    return (FLOAT)(1.0f) / (exp_##SIZE(-x) + (FLOAT)(1.0f)); \
  }                                                          \
  static FLOAT silu_##SIZE(FLOAT gate) {                     \
    return gate * sigmoid_##SIZE(gate);                      \
  }                                                          \
  static FLOAT silu_slope_##SIZE(FLOAT gate) {               \
    FLOAT s = sigmoid_##SIZE(gate);                          \
    FLOAT silu = gate * s;                                   \
    return silu - silu * s + s;                              \
  }

DEFINE_SWIGLU(1, float)
DEFINE_SWIGLU(16, float16)

static void forward_1(__global activation *out, __global const activation *in, const int f) {
  STORE(silu_1(LOAD(0, in)) * LOAD(f, in), 0, out);
}

static void backward_1(__global activation *dIn, __global const activation *dOut,
                       __global const activation *in, const int f) {
  float gate = LOAD(0, in);
  float up = LOAD(f, in);
  float d = LOAD(0, dOut);
  STORE(d * up * silu_slope_1(gate), 0, dIn);
  STORE(d * silu_1(gate), f, dIn);
}

#if HAS(1)

__kernel void swiglu_forward_v1(ACTIVATIONS_OUT(out), ACTIVATIONS(in), const int f) {
  size_t i = get_global_id(0);
  size_t row = get_global_id(1);
  if (i < f) {
    forward_1(out + out_at + row * f + i, in + in_at + 2 * row * f + i, f);
  }
}

__kernel void swiglu_backward_v1(ACTIVATIONS_OUT(dIn), ACTIVATIONS(dOut), ACTIVATIONS(in),
                                 const int f) {
  size_t i = get_global_id(0);
  size_t row = get_global_id(1);
  if (i < f) {
    size_t at = 2 * row * f + i;
    backward_1(dIn + dIn_at + at, dOut + dOut_at + row * f + i, in + in_at + at, f);
  }
}

#endif

#if HAS(2)

__kernel void swiglu_forward_v2(ACTIVATIONS_OUT(out), ACTIVATIONS(in), const int f) {
  int i = 16 * get_global_id(0);
  size_t row = get_global_id(1);
  __global const activation *x = in + in_at + 2 * row * f;
  __global activation *y = out + out_at + row * f;
  if (i + 16 <= f) {
    STORE16(silu_16(LOAD16(0, x + i)) * LOAD16(0, x + f + i), 0, y + i);
  } else {
    for (; i < f; i++) {
      forward_1(y + i, x + i, f);
    }
  }
}

__kernel void swiglu_backward_v2(ACTIVATIONS_OUT(dIn), ACTIVATIONS(dOut), ACTIVATIONS(in),
                                 const int f) {
  int i = 16 * get_global_id(0);
  size_t row = get_global_id(1);
  __global const activation *x = in + in_at + 2 * row * f;
  __global const activation *d = dOut + dOut_at + row * f;
  __global activation *y = dIn + dIn_at + 2 * row * f;
  if (i + 16 <= f) {
    float16 gate = LOAD16(0, x + i);
    float16 dNow = LOAD16(0, d + i);
    STORE16(dNow * LOAD16(0, x + f + i) * silu_slope_16(gate), 0, y + i);
    STORE16(dNow * silu_16(gate), 0, y + f + i);
  } else {
    for (; i < f; i++) {
      backward_1(y + i, d + i, x + i, f);
    }
  }
}

#endif
