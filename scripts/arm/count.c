/* QEMU plugin (API version 1, QEMU 7.2): how many instructions of each class a guest executes.
 *
 * The guest marks a region by the system call MARK, which no kernel knows: at each one the
 * counters so far are appended to DIR/<process id>, as CLASSES unsigned 64-bit numbers. The order
 * is that of edgebench/measure/instructions.py. No package ships QEMU's header, so what is used
 * of it is declared here.
 *
 *     gcc -O2 -shared -fPIC -o count.so count.c
 *     qemu-aarch64 -plugin count.so,dir=DIR ...
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
enum { MARK = 0x5EB0 };

typedef uint64_t plugin_id;
typedef struct {
    const char *target_name;
    struct { int min, cur; } version;
    bool system_emulation;
    union { struct { int smp_vcpus, max_vcpus; } system; };
} qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { QEMU_PLUGIN_INLINE_ADD_U64 };
typedef void (*tb_callback)(plugin_id, struct qemu_plugin_tb *);
typedef void (*syscall_callback)(plugin_id, unsigned, int64_t, uint64_t, uint64_t, uint64_t,
                                 uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, tb_callback);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int, void *, uint64_t);
extern void qemu_plugin_register_vcpu_syscall_cb(plugin_id, syscall_callback);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
EXPORT int qemu_plugin_version = 1;

enum { TOTAL, INTEGER, BRANCH, LOAD_STORE, FP_SIMD, SVE, SME, DOT, MATRIX, CLASSES };
static uint64_t counts[CLASSES];
static char folder[3072];

/* Arm Architecture Reference Manual (DDI 0487), C4.1: bits 28 to 25 tell the top-level groups. */
static int class_of(uint32_t word) {
    unsigned group = (word >> 25) & 15;
    if (group == 2) return SVE;
    if (group == 0 && word >> 31) return SME;
    if ((group & 5) == 4) return LOAD_STORE;
    if ((group & 7) == 7) return FP_SIMD;
    return (group & 14) == 10 ? BRANCH : INTEGER;
}

/* SDOT and UDOT: vectors, by element, SVE. */
static bool is_dot(uint32_t word) {
    return (word & 0x9FE0FC00u) == 0x0E809400u || (word & 0x9FC0F400u) == 0x0F80E000u ||
           (word & 0xFFA0F800u) == 0x44800000u || (word & 0xFFA0F800u) == 0x44A00000u;
}

/* SMMLA, UMMLA and USMMLA: vectors, SVE. */
static bool is_matrix(uint32_t word) {
    return (word & 0xDFE0F400u) == 0x4E80A400u || (word & 0xFF20FC00u) == 0x45009800u;
}

/* A block is counted when it is entered, in one addition per class that it holds. */
static void translated(plugin_id id, struct qemu_plugin_tb *block) {
    uint64_t found[CLASSES] = {0};
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        uint32_t word;
        memcpy(&word, qemu_plugin_insn_data(qemu_plugin_tb_get_insn(block, i)), sizeof word);
        found[TOTAL]++;
        found[class_of(word)]++;
        found[DOT] += is_dot(word);
        found[MATRIX] += is_matrix(word);
    }
    for (int k = 0; k < CLASSES; k++)
        if (found[k])
            qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64, &counts[k],
                                                     found[k]);
}

static void called(plugin_id id, unsigned cpu, int64_t number, uint64_t a1, uint64_t a2,
                   uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8) {
    char name[sizeof folder + 32];
    int file;
    (void)id, (void)cpu, (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7;
    (void)a8;
    if (number != MARK) return;
    snprintf(name, sizeof name, "%s/%ld", folder, (long)getpid());
    file = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    /* A short or failed write leaves too few numbers: the reader sees that and refuses. */
    if (file < 0 || write(file, counts, sizeof counts) < 0) perror(name);
    if (file >= 0) close(file);
}

EXPORT int qemu_plugin_install(plugin_id id, const qemu_info_t *info, int argc, char **argv) {
    if (strcmp(info->target_name, "aarch64") || argc != 1 || strncmp(argv[0], "dir=", 4)) {
        fputs("count.so: for aarch64 guests, with one argument: dir=DIR\n", stderr);
        return 1;
    }
    snprintf(folder, sizeof folder, "%s", argv[0] + 4);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_vcpu_syscall_cb(id, called);
    return 0;
}
