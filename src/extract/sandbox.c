/* SPDX-License-Identifier: Apache-2.0 */
#include "extract/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#endif

#ifndef THIS_ARCH

bool sandbox_enter(Err *err)
{
    (void)err;
    return true;
}

#else

/* Calls that fail with EACCES whatever their arguments. */
static const uint32_t refused[] = {
    SYS_socket,    SYS_execve,    SYS_execveat,
    SYS_ptrace,    SYS_unlinkat,  SYS_renameat,
    SYS_renameat2, SYS_mkdirat,   SYS_linkat,
    SYS_symlinkat, SYS_mknodat,   SYS_truncate,
    SYS_fchmodat,  SYS_fchownat,  SYS_utimensat,
    SYS_setxattr,  SYS_lsetxattr, SYS_openat2,
    SYS_mount,     SYS_bpf,       SYS_process_vm_writev,
#ifdef SYS_open
    SYS_unlink,    SYS_rename,    SYS_mkdir,
    SYS_rmdir,     SYS_link,      SYS_symlink,
    SYS_mknod,     SYS_creat,     SYS_chmod,
    SYS_chown,     SYS_lchown,    SYS_utime,
    SYS_utimes,    SYS_futimesat,
#endif
};

#define WORD(field) ((uint32_t)offsetof(struct seccomp_data, field))
#define LOW(n)      (WORD(args) + 8 * (n)) /* the low half of an argument; both processors are little endian */

enum { RULES_MAX = 2 * COUNT_OF(refused) + 24 };

typedef struct Program {
    struct sock_filter at[RULES_MAX];
    unsigned short len;
} Program;

static void put(Program *program, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
    program->at[program->len++] = (struct sock_filter){code, yes, no, k};
}

static void put_return(Program *program, uint32_t verdict)
{
    put(program, BPF_RET | BPF_K, verdict, 0, 0);
}

static void put_load(Program *program, uint32_t offset)
{
    put(program, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

/* When the call is `number`: refuse it if its flags ask for more than reading, else allow it. */
static void put_open(Program *program, uint32_t number, uint32_t flags_arg)
{
    put(program, BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4);
    put_load(program, LOW(flags_arg));
    put(program, BPF_JMP | BPF_JSET | BPF_K, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC, 0, 1);
    put_return(program, SECCOMP_RET_ERRNO | EACCES);
    put_return(program, SECCOMP_RET_ALLOW);
}

static void filter(Program *program)
{
    put_load(program, WORD(arch));
    put(program, BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH, 1, 0);
    put_return(program, SECCOMP_RET_KILL_PROCESS);
    put_load(program, WORD(nr));
#ifdef __x86_64__
    put(program, BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1); /* the x32 numbers of the same calls */
    put_return(program, SECCOMP_RET_KILL_PROCESS);
#endif
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        put(program, BPF_JMP | BPF_JEQ | BPF_K, refused[i], 0, 1);
        put_return(program, SECCOMP_RET_ERRNO | EACCES);
    }
    put_open(program, SYS_openat, 2);
#ifdef SYS_open
    put_open(program, SYS_open, 1);
#endif
    put_return(program, SECCOMP_RET_ALLOW);
}

bool sandbox_enter(Err *err)
{
    Program program = {.len = 0};
    struct sock_fprog wanted = {.filter = program.at};

    filter(&program);
    wanted.len = program.len;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_sys(err, ERR_IO, "cannot give up privileges");
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &wanted) == 0 || errno == EINVAL || errno == ENOSYS)
        return true; /* the last two: a kernel without filters */
    return err_sys(err, ERR_IO, "cannot enter the sandbox");
}

#endif
