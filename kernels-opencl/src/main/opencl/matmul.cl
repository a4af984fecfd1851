// The products of a linear layer, with M = B*T rows:
//   forward            out = in weightT + bias       in (M,K), weight (N,K), bias (N), out (M,N)
//   backward to input  dIn = dOut weight             dOut (M,N), dIn (M,K)
//   backward to weight dWeight (+)= dOutT in         dWeight (N,K)
// Each sum is one chain of fma in order of the summed index, in every version.
//
// Arithmetic: 2 M N K operations each. Memory, at least: 4 (M K + N K + M N) bytes.
//
// v1  one work-item per element of the result, which reads a row of each operand: 8 bytes per fma,
//     from whatever cache catches them.

__kernel void matmul_forward_v1(OUT(out), IN(in), IN(weight), IN(bias), const int hasBias,
                                const int m, const int n, const int k) {
  size_t j = get_global_id(0);
  size_t i = get_global_id(1);
  if (i < m && j < n) {
    float sum = hasBias ? bias[bias_at + j] : 0.0f;
    for (int p = 0; p < k; p++) {
      sum = fma(in[in_at + i * k + p], weight[weight_at + j * k + p], sum);
    }
    out[out_at + i * n + j] = sum;
  }
}

__kernel void matmul_backward_input_v1(OUT(dIn), IN(dOut), IN(weight), const int m, const int n,
                                       const int k) {
  size_t j = get_global_id(0);
  size_t i = get_global_id(1);
  if (i < m && j < k) {
    float sum = 0.0f;
    for (int p = 0; p < n; p++) {
      sum = fma(dOut[dOut_at + i * n + p], weight[weight_at + (size_t)p * k + j], sum);
    }
    dIn[dIn_at + i * k + j] = sum;
  }
}

__kernel void matmul_backward_weight_v1(OUT(dWeight), IN(dOut), IN(in), const int m, const int n,
                                        const int k, const int accumulate) {
  size_t j = get_global_id(0);
  size_t i = get_global_id(1);
  if (i < n && j < k) {
    float sum = accumulate ? dWeight[dWeight_at + i * k + j] : 0.0f;
    for (int p = 0; p < m; p++) {
      sum = fma(dOut[dOut_at + (size_t)p * n + i], in[in_at + (size_t)p * k + j], sum);
    }
    dWeight[dWeight_at + i * k + j] = sum;
  }
}
