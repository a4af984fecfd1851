// Token and position embeddings, M = B*T tokens of C channels.
//   forward            out(b,t) = wte(tokens(b,t)) + wpe(start + t)
//   token backward     dWte(v) (+)= sum of dOut(b,t) over all tokens(b,t) = v, in order of (b,t)
//   position backward  dWpe(t) (+)= sum over b of dOut(b,t), rows from T on being zero
//
// Memory: forward 12 M C bytes; token backward 12 M C, and 4 Vp C to clear dWte unless accumulating;
// position backward 4 M C + 4 maxT C.
//
// No atomics: whoever adds to an element of dWte adds all of it, in order.
//
// token_embedding_backward
// v1  one work-item per channel, which walks over all tokens in order. Deterministic without
//     sorting, but only C work-items.

__kernel void embedding_forward_v1(OUT(out), INTEGERS(tokens), IN(wte), IN(wpe), INTEGERS(start),
                                   const int hasStart, const int t, const int c) {
  size_t i = get_global_id(0);
  size_t row = get_global_id(1);
  if (i < c) {
    size_t token = tokens[tokens_at + row];
    size_t position = (hasStart ? start[start_at] : 0) + row % t;
    out[out_at + row * c + i] = wte[wte_at + token * c + i] + wpe[wpe_at + position * c + i];
  }
}

__kernel void token_embedding_backward_v1(OUT(dWte), IN(dOut), INTEGERS(tokens), const int m,
                                          const int c) {
  size_t i = get_global_id(0);
  if (i < c) {
    for (int row = 0; row < m; row++) {
      size_t token = tokens[tokens_at + row];
      dWte[dWte_at + token * c + i] += dOut[dOut_at + (size_t)row * c + i];
    }
  }
}

__kernel void position_embedding_backward_v1(OUT(dWpe), IN(dOut), const int b, const int t,
                                             const int c, const int accumulate) {
  size_t i = get_global_id(0);
  size_t row = get_global_id(1);
  if (i < c) {
    float sum = accumulate ? dWpe[dWpe_at + row * c + i] : 0.0f;
    if (row < t) {
      for (int batch = 0; batch < b; batch++) {
        sum += dOut[dOut_at + ((size_t)batch * t + row) * c + i];
      }
    }
    dWpe[dWpe_at + row * c + i] = sum;
  }
}
