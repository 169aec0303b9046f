/* A LLaMA forward pass in plain C, float32 throughout: the rung between Python and tuned kernels.

   No intrinsics and no tricks: what the compiler makes of it is the point, so it is compiled with
   and without optimisation and vectorisation. The network is that of backends/reference.py, which
   its logits are held against. Weights are one float32 array, in the order that
   measure/experiments/native_weights.py writes them. Matrices are rows of outputs. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int layers, hidden, ffn, heads, kv_heads, head_dim, vocabulary, context, pairs, tied;
    float epsilon;
    const float *weights;
    const double *frequencies;
    float *keys, *values; /* [layers][context][kv_heads * head_dim] */
} Model;

typedef struct {
    const float *attn_norm, *q, *k, *v, *o, *ffn_norm, *gate, *up, *down;
} Layer;

static size_t layer_size(const Model *m) {
    size_t h = m->hidden, kv = (size_t)m->kv_heads * m->head_dim, a = (size_t)m->heads * m->head_dim;
    return 2 * h + 2 * a * h + 2 * kv * h + 3 * (size_t)m->ffn * h;
}

static Layer layer_of(const Model *m, int index) {
    size_t h = m->hidden, kv = (size_t)m->kv_heads * m->head_dim, a = (size_t)m->heads * m->head_dim;
    const float *w = m->weights + (size_t)m->vocabulary * h + layer_size(m) * index;
    Layer l;
    l.attn_norm = w; w += h;
    l.q = w; w += a * h;
    l.k = w; w += kv * h;
    l.v = w; w += kv * h;
    l.o = w; w += a * h;
    l.ffn_norm = w; w += h;
    l.gate = w; w += (size_t)m->ffn * h;
    l.up = w; w += (size_t)m->ffn * h;
    l.down = w;
    return l;
}

static float dot(const float *a, const float *b, int n) {
    float sum = 0.0f;
    for (int i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* y[n][rows] = x[n][columns] W^T: a row of W is read once for all tokens. */
static void multiply(float *y, const float *x, const float *w, int n, int rows, int columns,
                     int threads) {
#pragma omp parallel for num_threads(threads) if (threads > 1)
    for (int r = 0; r < rows; r++)
        for (int t = 0; t < n; t++)
            y[(size_t)t * rows + r] =
                dot(x + (size_t)t * columns, w + (size_t)r * columns, columns);
}

static void normalise(float *y, const float *x, const float *gain, int n, int size, float epsilon) {
    for (int t = 0; t < n; t++) {
        const float *row = x + (size_t)t * size;
        float scale = 1.0f / sqrtf(dot(row, row, size) / size + epsilon);
        for (int i = 0; i < size; i++) y[(size_t)t * size + i] = row[i] * scale * gain[i];
    }
}

/* RoPE over interleaved pairs, as GGUF files of this architecture hold them. */
static void rotate(const Model *m, float *x, int n, int heads, int start) {
    for (int t = 0; t < n; t++)
        for (int p = 0; p < m->pairs; p++) {
            double angle = (double)(start + t) * m->frequencies[p];
            float c = (float)cos(angle), s = (float)sin(angle);
            for (int h = 0; h < heads; h++) {
                float *pair = x + ((size_t)t * heads + h) * m->head_dim + 2 * p;
                float a = pair[0], b = pair[1];
                pair[0] = a * c - b * s;
                pair[1] = a * s + b * c;
            }
        }
}

static void attend(const Model *m, float *y, const float *q, int layer, int n, int start,
                   int threads) {
    int width = m->kv_heads * m->head_dim, group = m->heads / m->kv_heads, d = m->head_dim;
    const float *keys = m->keys + (size_t)layer * m->context * width;
    const float *values = m->values + (size_t)layer * m->context * width;
    float scale = 1.0f / sqrtf((float)d);
#pragma omp parallel for num_threads(threads) if (threads > 1)
    for (int job = 0; job < n * m->heads; job++) {
        int t = job / m->heads, h = job % m->heads, seen = start + t + 1;
        size_t place = (size_t)(h / group) * d;
        const float *query = q + (size_t)job * d;
        float *scores = malloc(sizeof(float) * seen), *out = y + (size_t)job * d;
        float most = -3.0e38f, total = 0.0f;
        for (int i = 0; i < seen; i++) {
            scores[i] = scale * dot(query, keys + (size_t)i * width + place, d);
            if (scores[i] > most) most = scores[i];
        }
        for (int i = 0; i < seen; i++) total += scores[i] = expf(scores[i] - most);
        memset(out, 0, sizeof(float) * d);
        for (int i = 0; i < seen; i++) {
            const float *value = values + (size_t)i * width + place;
            float share = scores[i] / total;
            for (int k = 0; k < d; k++) out[k] += share * value[k];
        }
        free(scores);
    }
}

static void swiglu(float *gate, const float *up, size_t size) {
    for (size_t i = 0; i < size; i++) gate[i] = gate[i] / (1.0f + expf(-gate[i])) * up[i];
}

static void add(float *x, const float *y, size_t size) {
    for (size_t i = 0; i < size; i++) x[i] += y[i];
}

/* Append `n` tokens at position `start`. Logits after the last of them, or with `every` after each:
   float[n or 1][vocabulary]. 0 when done, 1 when memory ran out. */
int native_rung_forward(const Model *m, const int *tokens, int n, int start, int every, int threads,
                        float *logits) {
    size_t h = m->hidden, a = (size_t)m->heads * m->head_dim;
    size_t kv = (size_t)m->kv_heads * m->head_dim, f = m->ffn;
    float *memory = malloc(sizeof(float) * n * (3 * h + 2 * a + 2 * f));
    if (!memory) return 1;
    float *x = memory, *normed = x + n * h, *out = normed + n * h, *q = out + n * h;
    float *mixed = q + n * a, *gate = mixed + n * a, *up = gate + n * f;
    for (int t = 0; t < n; t++)
        memcpy(x + t * h, m->weights + (size_t)tokens[t] * h, sizeof(float) * h);
    for (int i = 0; i < m->layers; i++) {
        Layer l = layer_of(m, i);
        float *keys = m->keys + ((size_t)i * m->context + start) * kv;
        float *values = m->values + ((size_t)i * m->context + start) * kv;
        normalise(normed, x, l.attn_norm, n, m->hidden, m->epsilon);
        multiply(q, normed, l.q, n, (int)a, m->hidden, threads);
        multiply(keys, normed, l.k, n, (int)kv, m->hidden, threads);
        multiply(values, normed, l.v, n, (int)kv, m->hidden, threads);
        rotate(m, q, n, m->heads, start);
        rotate(m, keys, n, m->kv_heads, start);
        attend(m, mixed, q, i, n, start, threads);
        multiply(out, mixed, l.o, n, m->hidden, (int)a, threads);
        add(x, out, n * h);
        normalise(normed, x, l.ffn_norm, n, m->hidden, m->epsilon);
        multiply(gate, normed, l.gate, n, m->ffn, m->hidden, threads);
        multiply(up, normed, l.up, n, m->ffn, m->hidden, threads);
        swiglu(gate, up, n * f);
        multiply(out, gate, l.down, n, m->hidden, m->ffn, threads);
        add(x, out, n * h);
    }
    const float *gain = m->weights + (size_t)m->vocabulary * h + layer_size(m) * m->layers;
    const float *head = m->tied ? m->weights : gain + h;
    int first = every ? 0 : n - 1, count = every ? n : 1;
    normalise(normed, x + first * h, gain, count, m->hidden, m->epsilon);
    multiply(logits, normed, head, count, m->vocabulary, m->hidden, threads);
    free(memory);
    return 0;
}

/* llama.cpp driven from C, for what driving it from Python costs: `llama_batch` as of llama.h. */
typedef struct {
    int n_tokens;
    int *token;
    float *embd;
    int *pos;
    int *n_seq_id;
    int **seq_id;
    signed char *logits;
} llama_batch;

int native_rung_loop(int (*decode)(void *, llama_batch), void (*synchronize)(void *),
                     float *(*logits_of)(void *, int), void *context, llama_batch batch,
                     const int *tokens, int n) {
    volatile float sink = 0.0f;
    for (int i = 0; i < n; i++) {
        batch.token[0] = tokens[i];
        int code = decode(context, batch);
        if (code) return code;
        synchronize(context);
        sink += logits_of(context, -1)[0];
    }
    return 0;
}
