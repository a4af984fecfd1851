// Ops that move numbers and hardly compute: out = a + b, a copy in another format, and one value in
// every element. Limited by memory: in fp32, 12 bytes per element for add, 8 for a copy, 4 for the
// others. out may be a or b.
//
// One work-item per element; neighbours take neighbouring elements, so every device loads and stores
// whole lines, and a CPU's compiler makes vectors of them.

__kernel void add_v1(ACTIVATIONS_OUT(out), ACTIVATIONS(a), ACTIVATIONS(b), const ulong n) {
  size_t i = get_global_id(0);
  if (i < n) {
    STORE(LOAD(i, a + a_at) + LOAD(i, b + b_at), i, out + out_at);
  }
}

// out = in, rounded to the format that the build stores.
__kernel void cast_v1(ACTIVATIONS_OUT(out), IN(in), const ulong n) {
  size_t i = get_global_id(0);
  if (i < n) {
    STORE(in[in_at + i], i, out + out_at);
  }
}

// out = value.
__kernel void fill_v1(OUT(out), const float value, const ulong n) {
  size_t i = get_global_id(0);
  if (i < n) {
    out[out_at + i] = value;
  }
}

// dIn = dOut / n for a scalar dOut.
__kernel void mean_backward_v1(OUT(dIn), IN(dOut), const ulong n) {
  size_t i = get_global_id(0);
  if (i < n) {
    dIn[dIn_at + i] = dOut[dOut_at] / (float)n;
  }
}
