// What every kernel file is compiled after: how kernels take tensors, exp and log, sums over lanes
// and over work-groups, and the product that matmul and attention share on CPUs.
//
// A tensor is its arena's buffer and the index of its first element; sub-buffers would have to be
// aligned as each device pleases. The absent tensor of an op is any buffer, and a flag that is 0.
//
// exp and log are our own polynomials: multiplications, additions and fma in one written order, so
// that every device gives the bits that the CPU backend gives. Contraction is off for the same
// reason: what is fused is written fma. Coefficients: Moshier, Cephes, single precision.
//
// Activations and their gradients are stored as a build says: -DACTIVATION=0 fp32, 1 bf16, 2 fp16.
// Kernels compute in fp32 and reach them through LOAD, LOAD4, LOAD16 and the same of STORE only, whose
// arguments are in the order of vload's and vstore's; those of 4 are for addresses of whole vectors. vload_half and vstore_half_rte are in every OpenCL 1.x;
// bf16 is the upper half of a float. All other tensors, and the workspace, are fp32.

#pragma OPENCL FP_CONTRACT OFF

// A build has the kernels of one version, -DVERSION: a compiler takes as long as it is given kernels, and
// most of a file is for other devices.
#ifdef VERSION
#define HAS(version) (VERSION == version)
#else
#define HAS(version) 1
#endif

#define IN(name) __global const float *name, const ulong name##_at
#define INTEGERS(name) __global const int *name, const ulong name##_at
#define OUT(name) __global float *name, const ulong name##_at
#define INTEGERS_OUT(name) __global int *name, const ulong name##_at
#define ACTIVATIONS(name) __global const activation *name, const ulong name##_at
#define ACTIVATIONS_OUT(name) __global activation *name, const ulong name##_at

#ifndef ACTIVATION
#define ACTIVATION 0
#endif

#if ACTIVATION == 0
typedef float activation;
#define LOAD4(v, x) (((__global const float4 *)(x))[v])
#define STORE4(value, v, x) (((__global float4 *)(x))[v] = (value))
#define LOAD(i, x) ((x)[i])
#define LOAD16(v, x) vload16(v, x)
#define STORE(value, i, x) ((x)[i] = (value))
#define STORE16(value, v, x) vstore16(value, v, x)
#elif ACTIVATION == 1
typedef ushort activation;
#define LOAD(i, x) as_float((uint)(x)[i] << 16)
#define LOAD16(v, x) as_float16(convert_uint16(vload16(v, x)) << 16)
#define LOAD4(v, x) as_float4(convert_uint4(((__global const ushort4 *)(x))[v]) << 16)
#define STORE4(value, v, x) (((__global ushort4 *)(x))[v] = bf16_4(value))
#define STORE(value, i, x) ((x)[i] = bf16_1(value))
#define STORE16(value, v, x) vstore16(bf16_16(value), v, x)

// The nearest bf16, of two equally near the even one; NaN stays NaN, beyond the largest is infinity.
static ushort bf16_1(const float x) {
  uint bits = as_uint(x);
  uint nearest = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  return (ushort)((bits & 0x7FFFFFFFu) > 0x7F800000u ? (bits >> 16) | 0x40u : nearest);
}

static ushort4 bf16_4(const float4 x) {
  uint4 bits = as_uint4(x);
  uint4 nearest = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  uint4 nan = (bits >> 16) | 0x40u;
  return convert_ushort4(select(nearest, nan, (bits & 0x7FFFFFFFu) > (uint4)(0x7F800000u)));
}

static ushort16 bf16_16(const float16 x) {
  uint16 bits = as_uint16(x);
  uint16 nearest = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  uint16 nan = (bits >> 16) | 0x40u;
  return convert_ushort16(select(nearest, nan, (bits & 0x7FFFFFFFu) > (uint16)(0x7F800000u)));
}
#else
typedef ushort activation;
#define LOAD(i, x) vload_half(i, (__global const half *)(x))
#define LOAD16(v, x) vload_half16(v, (__global const half *)(x))
#define LOAD4(v, x) vloada_half4(v, (__global const half *)(x))
#define STORE4(value, v, x) vstorea_half4_rte(value, v, (__global half *)(x))
#define STORE(value, i, x) vstore_half_rte(value, i, (__global half *)(x))
#define STORE16(value, v, x) vstore_half16_rte(value, v, (__global half *)(x))
#endif

// Adding and subtracting 1.5 * 2^23 rounds to an integer, which the low bits then hold.
#define ROUND_TO_INTEGER 12582912.0f

// e^x to 1 unit in the last place for x in [-87.3, 88]; beyond, the value at the end; NaN for NaN.
#define DEFINE_EXP(NAME, FLOAT, AS_INT, AS_FLOAT)                             \
  static FLOAT NAME(FLOAT x) {                                                \
    FLOAT in = x > (FLOAT)(88.0f) ? (FLOAT)(88.0f) : x;                       \
    in = in < (FLOAT)(-87.3f) ? (FLOAT)(-87.3f) : in;                         \
    FLOAT shifted = fma(in, (FLOAT)(1.44269504f), (FLOAT)(ROUND_TO_INTEGER)); \
    FLOAT n = shifted - (FLOAT)(ROUND_TO_INTEGER);                            \
    FLOAT r = fma(n, (FLOAT)(-0.693359375f), in);                             \
    r = fma(n, (FLOAT)(2.12194440e-4f), r);                                   \
    FLOAT p = fma(r, (FLOAT)(1.9875691500e-4f), (FLOAT)(1.3981999507e-3f));   \
    p = fma(p, r, (FLOAT)(8.3334519073e-3f));                                 \
    p = fma(p, r, (FLOAT)(4.1665795894e-2f));                                 \
    p = fma(p, r, (FLOAT)(1.6666665459e-1f));                                 \
    p = fma(p, r, (FLOAT)(5.0000001201e-1f));                                 \
    FLOAT y = fma(p, r * r, r) + (FLOAT)(1.0f);                               \
    return AS_FLOAT(AS_INT(y) + (AS_INT(shifted) << 23));                     \
  }

DEFINE_EXP(exp_1, float, as_uint, as_float)
DEFINE_EXP(exp_4, float4, as_uint4, as_float4)
DEFINE_EXP(exp_16, float16, as_uint16, as_float16)

// ln x to 1 unit in the last place for normal positive x; NaN for NaN.
static float log_1(float x) {
  if (!(x > 0.0f) || isinf(x)) {
    return x == 0.0f ? -INFINITY : x > 0.0f ? x : NAN;
  }
  uint bits = as_uint(x);
  int e = (int)(bits >> 23) - 126;
  float m = as_float((bits & 0x007FFFFFu) | 0x3F000000u);
  if (m < 0.70710678f) {
    e -= 1;
    m = m + m - 1.0f;
  } else {
    m = m - 1.0f;
  }
  float z = m * m;
  float p = 7.0376836292e-2f;
  p = fma(p, m, -1.1514610310e-1f);
  p = fma(p, m, 1.1676998740e-1f);
  p = fma(p, m, -1.2420140846e-1f);
  p = fma(p, m, 1.4249322787e-1f);
  p = fma(p, m, -1.6668057665e-1f);
  p = fma(p, m, 2.0000714765e-1f);
  p = fma(p, m, -2.4999993993e-1f);
  p = fma(p, m, 3.3333331174e-1f);
  float y = p * m * z;
  float exponent = (float)e;
  y = fma(exponent, -2.12194440e-4f, y);
  y = fma(z, -0.5f, y);
  return fma(exponent, 0.693359375f, m + y);
}

// The sum of sixteen lanes as a fixed tree: i with i + 8, then with i + 4, i + 2, i + 1.
static float sum_16(float16 x) {
  float8 a = x.lo + x.hi;
  float4 b = a.lo + a.hi;
  float2 c = b.lo + b.hi;
  return c.x + c.y;
}

// The largest of sixteen lanes.
static float max_16(float16 x) {
  float8 a = fmax(x.lo, x.hi);
  float4 b = fmax(a.lo, a.hi);
  float2 c = fmax(b.lo, b.hi);
  return fmax(c.x, c.y);
}

// The first n of sixteen numbers, and zeros.
static float16 part_16(__global const float *x, const int n) {
  float lanes[16];
  for (int i = 0; i < 16; i++) {
    lanes[i] = i < n ? x[i] : 0.0f;
  }
  return vload16(0, lanes);
}

// The same of activations.
static float16 load_part_16(__global const activation *x, const int n) {
  float lanes[16];
  for (int i = 0; i < 16; i++) {
    lanes[i] = i < n ? LOAD(i, x) : 0.0f;
  }
  return vload16(0, lanes);
}

// Which work-group this is, over all parts that a launch is given in: get_group_id counts from each
// part's own beginning.
#define GROUP_ID(d) (get_group_id(d) + get_global_offset(d) / get_local_size(d))

// Sum and largest over a work-group of 256, as a fixed tree, for each of its work-items.
#define GROUP 256

// subgroups.cl, where it follows, has them otherwise.
#ifndef SUB_GROUPS

// Where a work-item is in its work-group, and floats of local memory for the sums.
#define ITEM ((int)get_local_id(0))
#define ROOM GROUP

static float group_sum(__local float *room, const float x) {
  int item = get_local_id(0);
  barrier(CLK_LOCAL_MEM_FENCE);
  room[item] = x;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int half_way = GROUP / 2; half_way > 0; half_way /= 2) {
    if (item < half_way) {
      room[item] += room[item + half_way];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  return room[0];
}

static float group_max(__local float *room, const float x) {
  int item = get_local_id(0);
  barrier(CLK_LOCAL_MEM_FENCE);
  room[item] = x;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int half_way = GROUP / 2; half_way > 0; half_way /= 2) {
    if (item < half_way) {
      room[item] = fmax(room[item], room[item + half_way]);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  return room[0];
}

#endif

// 8 rows of 32 results in vector registers: result(r, lane) += the sum over p of x(r, p) panel(p,
// lane). An inner step loads two vectors, broadcasts 8 numbers, and does 16 vector fma. A file says
// which numbers with a macro such as BY_WEIGHT(R), MULTIPLY(R, weight##R[p]).
#define PANEL 32
#define ROWS 8

#define EACH_ROW(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7)

// sumR, tailR: the two vectors of results of row R.
#define DECLARE(R) float16 sum##R, tail##R;
#define MULTIPLY(R, NUMBER)             \
  {                                     \
    float16 number = (float16)(NUMBER); \
    sum##R = fma(x, number, sum##R);    \
    tail##R = fma(y, number, tail##R);  \
  }
#define ACCUMULATE(STEPS, PANEL_POINTER, BY)       \
  for (int p = 0; p < STEPS; p++) {                \
    float16 x = vload16(2 * p, PANEL_POINTER);     \
    float16 y = vload16(2 * p + 1, PANEL_POINTER); \
    EACH_ROW(BY)                                   \
  }
