/* The launcher: makes the services' processes, and is what happens to each between its making and its own main().
 *
 * The spawner starts it once and gives it orders over descriptor 3, until that ends. It forks for each: it is a few pages
 * large and holds no descriptors but those of the order, so that this costs what vfork does; and what hangs on the way to
 * the program (a folder on a server that does not answer) is the child's affair. The child is the spawner's (CLONE_PARENT).
 *
 * It has the spawner's rights, each child until it gives them up, so it uses no C library, reads nothing but orders, and
 * allocates nothing. launch.py makes the orders, fork.py does the same steps in Python where there was no compiler; one
 * test suite (tests/contract/launch) runs both.
 *
 * An order is a `struct head` and texts that each end with a zero byte:
 *
 *   UMASK UID GID GROUPS FOLDER MARK LIMITS PROGRAM ARGUMENT... VARIABLE...
 *
 * With it come the service's output, its sockets, the record and the status pipe. UID "-" keeps user and groups. GROUPS
 * is "4,24", MARK "BOOTID PIDNAMESPACE", LIMITS "NOFILE:7:1024:4096,...". It is answered with the pid, or a negative
 * errno, as 8 bytes. The child writes "launched ..." to pipe and record before it executes the program, and a step that
 * fails as "failed STEP\tOBJECT\tERRNO\n"; execve closes both.
 */
typedef unsigned long word;

#if defined(__x86_64__)
enum { READ = 0, WRITE = 1, SIGACTION = 13, GETPID = 39, RECVMSG = 47, CLONE = 56, EXECVE = 59, CHDIR = 80, UMASK = 95,
       SETSID = 112, SETGROUPS = 116, SETRESUID = 117, SETRESGID = 119, PRCTL = 157, CLOCK = 228, EXIT = 231, DUP3 = 292,
       PRLIMIT = 302, CLOSE_RANGE = 436 };
__asm__(".globl _start\n_start: xor %ebp, %ebp\n and $-16, %rsp\n call begin\n");
static long kernel(long number, word a, word b, word c, word d) {
    register word fourth __asm__("r10") = d, fifth __asm__("r8") = 0; /* prctl wants its unused ones zero */
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
enum { DUP3 = 24, CHDIR = 49, READ = 63, WRITE = 64, EXIT = 94, CLOCK = 113, SIGACTION = 134, SETRESUID = 147,
       SETRESGID = 149, SETSID = 157, SETGROUPS = 159, UMASK = 166, PRCTL = 167, GETPID = 172, RECVMSG = 212, CLONE = 220,
       EXECVE = 221, PRLIMIT = 261, CLOSE_RANGE = 436 };
__asm__(".globl _start\n_start: mov x29, #0\n bl begin\n");
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

enum { ORDERS = 3, GIVEN = 4 }; /* the descriptor of orders, the first of those that come with one */
static struct head { word size, arguments, variables, descriptors; } head;
static union { char text[8 << 20]; char *words[1]; } order; /* the kernel takes 6 MiB of arguments and variables at most */
static word first; /* the record; the status pipe is behind it */
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

/* Descriptors to their places, from the lowest on: each comes from above its place, so nothing is lost. 0 is ours already. */
static void place(void) {
    first = GIVEN + head.descriptors - 2;
    check(kernel(DUP3, GIVEN, 1, 0, 0), "place descriptors", "");
    check(kernel(DUP3, GIVEN, 2, 0, 0), "place descriptors", "");
    for (word number = 3; number < head.descriptors + 2; number++)
        check(kernel(DUP3, number + GIVEN - 2, number, 0, 0), "place descriptors", "");
    first = head.descriptors;
}

static void note(const char *mark, word pid) {
    long now[2], result;
    char *at;
    kernel(CLOCK, 7, (word)now, 0, 0); /* CLOCK_BOOTTIME */
    at = put(put_number(put(line, "launched "), pid), " ");
    at = put(put_number(at, (word)now[0] * 1000000000UL + (word)now[1]), " ");
    at = put(put(at, mark), "\n");
    kernel(WRITE, first + 1, (word)line, (word)(at - line), 0); /* first: it ends us (SIGPIPE) where the spawner is gone */
    result = kernel(WRITE, first, (word)line, (word)(at - line), 0);
    check(result < 0 || result == at - line ? result : -28, "write record", ""); /* half a line is none: ENOSPC */
}

enum { MASK, UID, GID, GROUPS, FOLDER, MARK, LIMITS, PROGRAM, FIELDS };

static void launch(void) {
    char **fields = order.words + (head.size + 7) / 8, **next = fields, **variables, *at = order.text, *digits;
    const char *mask, *text;
    word pid = (word)kernel(GETPID, 0, 0, 0, 0), count = FIELDS + head.arguments + head.variables;
    kernel(SETSID, 0, 0, 0, 0);
    place();
    for (word index = 0; index < count; index++) {
        if (index == FIELDS + head.arguments) *next++ = 0;
        *next++ = at;
        while (*at++) {}
    }
    next[0] = next[1] = 0; /* also where there is no variable */
    variables = fields + FIELDS + head.arguments + 1;
    set_limits(fields[LIMITS]);
    mask = fields[MASK], kernel(UMASK, number(&mask), 0, 0, 0);
    change_user(fields[UID], fields[GID], fields[GROUPS]);
    check(kernel(CHDIR, (word)fields[FOLDER], 0, 0, 0), "change to folder", fields[FOLDER]);
    check(kernel(PRCTL, 38, 1, 0, 0), "give up new privileges", ""); /* PR_SET_NO_NEW_PRIVS */
    if ((digits = (char *)variable(variables, "LISTEN_PID"))) { /* room for its digits is there */
        text = line, *put_number(line, pid) = 0;
        while ((*digits++ = *text++)) {}
    }
    note(fields[MARK], pid);
    check(kernel(CLOSE_RANGE, first, ~0U, 4, 0), "close descriptors", ""); /* CLOSE_RANGE_CLOEXEC */
    execute(fields[PROGRAM], fields + FIELDS, variables);
}

/* The next order; without one, or with one that the spawner never makes, there is nothing more to do. */
static int receive(void) {
    static word control[160]; /* 253 descriptors, and who sent them */
    struct { void *base; word size; } piece = {&head, sizeof head};
    struct { void *name; unsigned length; void *pieces; word count; void *control; word room; int flags; } message =
        {0, 0, &piece, 1, control, sizeof control, 0};
    long got = kernel(RECVMSG, ORDERS, (word)&message, 0x100, 0); /* MSG_WAITALL */
    if (got != sizeof head || head.size + 8 * (head.arguments + head.variables + FIELDS + 3) > sizeof order) return 0;
    for (word done = 0; done < head.size; done += (word)got)
        if ((got = kernel(READ, ORDERS, (word)order.text + done, head.size - done, 0)) <= 0) return 0;
    return message.flags & 8 ? -24 : 1; /* MSG_CTRUNC: EMFILE */
}

__attribute__((used)) void begin(void) {
    static const word by_default[4];
    long result;
    for (word own = 32; own < 34; own++) kernel(SIGACTION, own, (word)by_default, 0, 8); /* glibc leaves them ignored */
    kernel(CLOSE_RANGE, GIVEN, ~0U, 0, 0);
    while ((result = receive())) {
        if (result > 0) result = kernel(CLONE, 0x8000 | 17, 0, 0, 0); /* CLONE_PARENT, SIGCHLD */
        if (!result) launch();
        for (volatile char *at = order.text; at < order.text + head.size;) *at++ = 0; /* there may be secrets in it */
        kernel(CLOSE_RANGE, GIVEN, ~0U, 0, 0);
        kernel(WRITE, ORDERS, (word)&result, sizeof result, 0);
    }
    kernel(EXIT, 0, 0, 0, 0);
}
