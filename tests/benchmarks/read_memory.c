/* Reads memory with THREADS threads as fast as a compiler makes it: the yardstick of
 * tests/benchmarks/test_bandwidth.py. Prints the nanoseconds of the fastest of TRIALS trials.
 *
 * usage: read_memory THREADS BYTES TRIALS
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { MOST = 256, LANES = 64 };

static pthread_barrier_t barrier;
static size_t part_words;
static int trials;
static int64_t begun[MOST], ended[MOST];
static uint64_t sums[MOST];

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static uint64_t sum(const uint64_t *words, size_t count) {
    uint64_t lanes[LANES] = {0}, total = 0;
    for (size_t i = 0; i < count; i += LANES)
        for (int j = 0; j < LANES; j++) lanes[j] += words[i + j];
    for (int j = 0; j < LANES; j++) total += lanes[j];
    return total;
}

struct job { int number; uint64_t *words; };

static void *work(void *given) {
    struct job *job = given;
    memset(job->words, 1, part_words * 8);
    for (int trial = 0; trial < trials; trial++) {
        pthread_barrier_wait(&barrier);
        begun[job->number] = now_ns();
        sums[job->number] += sum(job->words, part_words);
        ended[job->number] = now_ns();
        pthread_barrier_wait(&barrier);
        pthread_barrier_wait(&barrier); /* the main thread has read the times */
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    int threads = atoi(argv[1]);
    size_t page = 1 << 21, part = (size_t)atoll(argv[2]) / threads / page * page;
    trials = atoi(argv[3]);
    if (threads < 1 || threads > MOST || !part) return 2;
    part_words = part / 8;
    char *memory = mmap(NULL, part * threads, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return 1;
    madvise(memory, part * threads, MADV_HUGEPAGE);
    pthread_barrier_init(&barrier, NULL, threads + 1);
    pthread_t ids[MOST];
    struct job jobs[MOST];
    for (int i = 0; i < threads; i++) {
        jobs[i] = (struct job){i, (uint64_t *)(memory + part * i)};
        pthread_create(&ids[i], NULL, work, &jobs[i]);
    }
    int64_t best = INT64_MAX;
    for (int trial = 0; trial < trials; trial++) {
        pthread_barrier_wait(&barrier);
        pthread_barrier_wait(&barrier);
        int64_t first = INT64_MAX, last = 0;
        for (int i = 0; i < threads; i++) {
            if (begun[i] < first) first = begun[i];
            if (ended[i] > last) last = ended[i];
        }
        if (last - first < best) best = last - first;
        pthread_barrier_wait(&barrier);
    }
    uint64_t expected = (uint64_t)0x0101010101010101ULL * part_words * trials;
    for (int i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        if (sums[i] != expected) return 3;
    }
    printf("%lld\n", (long long)best);
    return 0;
}
