/* The launcher: what happens to a service between posix_spawn and its own main().
 *
 * It has the spawner's rights until it gives them up, so it uses no C library, reads nothing but its arguments and its
 * environment, and allocates nothing. launch.py makes its arguments, fork.py does the same steps in Python where there
 * was no compiler; one test suite (tests/contract/launch) runs both.
 *
 *   launcher FIRST UMASK UID GID GROUPS FOLDER MARK LIMITS PROGRAM ARGUMENT0 ARGUMENT...
 *
 * FIRST is the first descriptor that the service must not get: the record; FIRST + 1 is the status pipe. UID "-" keeps
 * user and groups. GROUPS is "4,24", MARK "BOOTID PIDNAMESPACE", LIMITS "NOFILE:7:1024:4096,...". A step that fails is
 * written to record and pipe as "failed STEP\tOBJECT\tERRNO\n"; execve closes both.
 */
typedef unsigned long word;

#if defined(__x86_64__)
enum { WRITE = 1, SIGACTION = 13, GETPID = 39, EXECVE = 59, EXIT = 231, CHDIR = 80, UMASK = 95, SETGROUPS = 116,
       SETRESUID = 117, SETRESGID = 119, PRCTL = 157, CLOCK = 228, PRLIMIT = 302, CLOSE_RANGE = 436 };
__asm__(".globl _start\n_start: xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call begin\n");
static long kernel(long number, word a, word b, word c, word d) {
    register word fourth __asm__("r10") = d, fifth __asm__("r8") = 0; /* prctl wants its unused ones zero */
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
enum { WRITE = 64, SIGACTION = 134, GETPID = 172, EXECVE = 221, EXIT = 94, CHDIR = 49, UMASK = 166, SETGROUPS = 159,
       SETRESUID = 147, SETRESGID = 149, PRCTL = 167, CLOCK = 113, PRLIMIT = 261, CLOSE_RANGE = 436 };
__asm__(".globl _start\n_start: mov x29, #0\n mov x0, sp\n bl begin\n");
static long kernel(long number, word a, word b, word c, word d) {
    register long x8 __asm__("x8") = number;
    register word x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c, x3 __asm__("x3") = d;
    register word x4 __asm__("x4") = 0; /* prctl wants its unused ones zero */
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    return (long)x0;
}
#else
#error "no system calls known for this processor: the fork in Python is used"
#endif

static word first;
static char line[8192]; /* longer than a path */

static char *put(char *at, const char *text) {
    while (*text && at < line + sizeof line - 32) *at++ = *text++;
    return at;
}

static char *put_number(char *at, word value) {
    char digits[24], *digit = digits + 23;
    *digit = 0;
    do *--digit = (char)('0' + value % 10); while (value /= 10);
    return put(at, digit);
}

static word number(const char **text) {
    word value = 0;
    while (**text >= '0' && **text <= '9') value = value * 10 + (word)(*(*text)++ - '0');
    return value;
}

static void fail(const char *step, const char *object, long error) {
    char *at = put(put(put(line, "failed "), step), "\t");
    at = put(put_number(put(put(at, object), "\t"), (word)-error), "\n");
    kernel(WRITE, first + 1, (word)line, (word)(at - line), 0); /* the pipe has no limit that could end us */
    kernel(WRITE, first, (word)line, (word)(at - line), 0);
    for (;;) kernel(EXIT, 127, 0, 0, 0);
}

static void check(long result, const char *step, const char *object) { if (result < 0) fail(step, object, result); }

static void set_limits(char *text) {
    while (*text) {
        word values[2], which;
        char *name = text;
        const char *at;
        while (*text != ':') text++;
        *text = 0; /* the name is the object of a failure */
        at = text + 1;
        which = number(&at), at++;
        values[0] = number(&at), at++;
        values[1] = number(&at);
        check(kernel(PRLIMIT, 0, which, (word)values, 0), "set limit", name);
        text = (char *)at + (*at == ',');
    }
}

static void change_user(const char *uid, const char *gid, const char *groups) {
    static unsigned list[65536]; /* NGROUPS_MAX */
    const char *at = uid, *next = gid;
    word count = 0, user = number(&at), group = number(&next);
    if (*uid == '-') return;
    for (at = groups; *at && count < 65536; at += *at == ',') list[count++] = (unsigned)number(&at);
    check(kernel(SETGROUPS, count, (word)list, 0, 0), "become user", uid);
    check(kernel(SETRESGID, group, group, group, 0), "become user", uid);
    check(kernel(SETRESUID, user, user, user, 0), "become user", uid);
}

static const char *variable(char **environment, const char *name) {
    for (; *environment; environment++) {
        const char *at = *environment, *letter = name;
        while (*letter && *at == *letter) at++, letter++;
        if (!*letter && *at == '=') return at + 1;
    }
    return 0;
}

static void execute(const char *program, char **arguments, char **environment) {
    const char *path = variable(environment, "PATH"), *letter = program;
    long error = -2, result; /* ENOENT */
    while (*letter && *letter != '/') letter++;
    if (*letter) fail("execute", program, kernel(EXECVE, (word)program, (word)arguments, (word)environment, 0));
    while (path && *program) {
        char *at = line;
        while (*path && *path != ':' && at < line + 4096) *at++ = *path++;
        if (at != line) at = put(at, "/"); /* an empty part is the folder */
        *put(at, program) = 0;
        result = kernel(EXECVE, (word)line, (word)arguments, (word)environment, 0);
        if (result == -13) error = result; /* EACCES here, but another folder may have it */
        else if (result != -2 && result != -20) fail("execute", program, result); /* neither ENOENT nor ENOTDIR */
        path = *path == ':' ? path + 1 : 0;
    }
    fail("execute", program, error);
}

__attribute__((used)) void begin(word *stack) {
    char **arguments = (char **)(stack + 1), **environment = arguments + stack[0] + 1, *at;
    const char *text = arguments[1], *mask = arguments[2];
    static const word by_default[4];
    long now[2], result, pid = kernel(GETPID, 0, 0, 0, 0);
    first = number(&text);
    for (word own = 32; own < 34; own++) kernel(SIGACTION, own, (word)by_default, 0, 8); /* glibc leaves them ignored */
    set_limits(arguments[8]);
    kernel(UMASK, number(&mask), 0, 0, 0);
    change_user(arguments[3], arguments[4], arguments[5]);
    check(kernel(CHDIR, (word)arguments[6], 0, 0, 0), "change to folder", arguments[6]);
    check(kernel(PRCTL, 38, 1, 0, 0), "give up new privileges", ""); /* PR_SET_NO_NEW_PRIVS */
    if ((at = (char *)variable(environment, "LISTEN_PID"))) { /* room for its digits is there */
        text = line, *put_number(line, (word)pid) = 0;
        while ((*at++ = *text++)) {}
    }
    kernel(CLOCK, 7, (word)now, 0, 0); /* CLOCK_BOOTTIME */
    at = put(put_number(put(line, "launched "), (word)pid), " ");
    at = put(put_number(at, (word)now[0] * 1000000000UL + (word)now[1]), " ");
    at = put(put(at, arguments[7]), "\n");
    result = kernel(WRITE, first, (word)line, (word)(at - line), 0);
    check(result < 0 || result == at - line ? result : -28, "write record", ""); /* half a line is none: ENOSPC */
    check(kernel(CLOSE_RANGE, first, ~0U, 4, 0), "close descriptors", ""); /* CLOSE_RANGE_CLOEXEC */
    execute(arguments[9], arguments + 10, environment);
}
