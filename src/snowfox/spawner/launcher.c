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
 *   GROUP UMASK UID GID GROUPS FOLDER MARK LIMITS NICE SCORE RIGHTS MOUNTS PROGRAM ARGUMENT...
 *   VARIABLE...
 *
 * With it come the service's output (or, as STREAMS says, its input, output and errors), its sockets, the record, the
 * status pipe, and the folders of control groups to join; where GROUP is not empty, the first of them is that in which a
 * group of this name is to be made first.
 * UID "-" keeps user and groups. GROUPS is "4,24", MARK "BOOTID PIDNAMESPACE", LIMITS "NOFILE:7:1024:4096,...". NICE and
 * SCORE (of running out of memory) are "" where they stay as they are. RIGHTS is "+" where it may gain new ones, then "-"
 * or the mask of capabilities that it keeps. MOUNTS are lines, in a mount namespace of its own where there is one: "uUID
 * GID" first for a user namespace too, "rPATH" read-only, "tPATH" an empty folder in memory, "wPATH" as it was.
 *
 * It is answered with the pid, or a negative errno, as 8 bytes. The child writes "launched ..." to pipe and record before it
 * executes the program, and a step that fails as "failed STEP\tOBJECT\tERRNO\n"; execve closes both.
 */
typedef unsigned long word;

#if defined(__x86_64__)
enum { READ = 0, WRITE = 1, CLOSE = 3, SIGACTION = 13, GETPID = 39, RECVMSG = 47, CLONE = 56, EXECVE = 59, CHDIR = 80,
       UMASK = 95, SETSID = 112, SETGROUPS = 116, SETRESUID = 117, SETRESGID = 119, CAPSET = 126, SETPRIORITY = 141,
       PRCTL = 157, MOUNT = 165, CLOCK = 228, EXIT = 231, OPENAT = 257, MKDIRAT = 258, UNSHARE = 272, DUP3 = 292, PRLIMIT = 302 };
__asm__(".globl _start\n_start: xor %ebp, %ebp\n and $-16, %rsp\n call begin\n");
static long kernel5(long number, word a, word b, word c, word d, word e) {
    register word fourth __asm__("r10") = d, fifth __asm__("r8") = e;
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
enum { DUP3 = 24, MKDIRAT = 34, MOUNT = 40, CHDIR = 49, OPENAT = 56, CLOSE = 57, READ = 63, WRITE = 64, CAPSET = 91, EXIT = 94,
       UNSHARE = 97, CLOCK = 113, SIGACTION = 134, SETPRIORITY = 140, SETRESUID = 147, SETRESGID = 149, SETSID = 157,
       SETGROUPS = 159, UMASK = 166, PRCTL = 167, GETPID = 172, RECVMSG = 212, CLONE = 220, EXECVE = 221, PRLIMIT = 261 };
__asm__(".globl _start\n_start: mov x29, #0\n bl begin\n");
static long kernel5(long number, word a, word b, word c, word d, word e) {
    register long x8 __asm__("x8") = number;
    register word x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c, x3 __asm__("x3") = d;
    register word x4 __asm__("x4") = e;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    return (long)x0;
}
#else
#error "no system calls known for this processor: the fork in Python is used"
#endif

enum { OPEN_TREE = 428, MOVE_MOUNT = 429, CLONE3 = 435, CLOSE_RANGE = 436, MOUNT_SETATTR = 442 }; /* the same everywhere */
enum { HERE = -100, RECURSIVE = 0x8000, CLOSE_ON_EXEC = 0x80000, ONLY_WRITE = 1 };

static long kernel(long number, word a, word b, word c, word d) {
    return kernel5(number, a, b, c, d, 0); /* prctl wants its unused ones zero */
}

enum { ORDERS = 3, GIVEN = 4 }; /* the descriptor of orders, the first of those that come with one */
static struct head { word size, arguments, variables, descriptors, groups, unified, streams; } head;
static union { char text[8 << 20]; char *words[1]; } order; /* the kernel takes 6 MiB of arguments and variables at most */
static word first; /* the record; the status pipe is behind it, and then the control groups */
static word joined; /* how many of them it was made in */
static long unmade; /* why there is none of its name */
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

static void put_into(const char *file, const char *text, int folder, const char *step) {
    const char *end = text;
    long opened = kernel(OPENAT, (word)folder, (word)file, ONLY_WRITE | CLOSE_ON_EXEC, 0);
    while (*end) end++;
    check(opened, step, file);
    check(kernel(WRITE, (word)opened, (word)text, (word)(end - text), 0), step, file);
    kernel(CLOSE, (word)opened, 0, 0, 0);
}

static void join_groups(void) {
    for (word group = joined; group < head.groups; group++)
        put_into("cgroup.procs", "0", (int)(first + 2 + group), "join control group");
}

static void set_priorities(const char *nice, const char *score) {
    const char *at = nice + (*nice == '-');
    if (*nice) check(kernel(SETPRIORITY, 0, 0, *nice == '-' ? 0 - number(&at) : number(&at), 0), "set nice to", nice);
    if (*nice) { /* among sessions that of the session counts, where the kernel groups them: sched(7) */
        long opened = kernel(OPENAT, (word)HERE, (word)"/proc/self/autogroup", ONLY_WRITE | CLOSE_ON_EXEC, 0);
        for (at = nice; *at;) at++;
        if (opened >= 0) kernel(WRITE, (word)opened, (word)nice, (word)(at - nice), 0), kernel(CLOSE, (word)opened, 0, 0, 0);
    }
    if (*score) put_into("/proc/self/oom_score_adj", score, HERE, "set the score of running out of memory");
}

static void map_user(char *ids) {
    char *gid = ids, *at;
    while (*gid != ' ') gid++;
    *gid++ = 0;
    at = put(put(put(put(line, ids), " "), ids), " 1"), *at = 0;
    put_into("/proc/self/uid_map", line, HERE, "map user");
    put_into("/proc/self/setgroups", "deny", HERE, "map user");
    at = put(put(put(put(line, gid), " "), gid), " 1"), *at = 0;
    put_into("/proc/self/gid_map", line, HERE, "map user");
}

/* What is to stay writable is copied as it was, before what is around it becomes read-only, and put back behind that. */
static void change_mounts(char *text) {
    static const word read_only[4] = {1, 0, 0, 0};
    static long copies[128];
    const word attributes = (word)read_only, from_here = (word)HERE;
    word count = 0, put_back = 0, is_own = *text == 'u' ? 0x10000000UL : 0; /* CLONE_NEWUSER */
    char *start = text, *end;
    if (!*text) return;
    for (end = text; *end; end++)
        if (*end == '\n') *end = 0; /* each line ends with one */
    check(kernel(UNSHARE, 0x20000 | is_own, 0, 0, 0), is_own ? "make a user namespace" : "make a mount namespace", "");
    if (is_own) map_user(text + 1);
    check(kernel5(MOUNT, (word)"", (word)"/", (word)"", 0x84000, 0), "part mounts", "/"); /* MS_REC, MS_SLAVE */
    for (const char *wanted = "wrt="; *wanted; wanted++)
        for (text = start; text < end; text++) {
            const char kind = *text, *path = text + 1;
            while (*text) text++;
            if (kind == 'w' && *wanted == 'w' && count < 128)
                check(copies[count++] = kernel(OPEN_TREE, from_here, (word)path, 1 | CLOSE_ON_EXEC | RECURSIVE, 0), /* clone */
                      "copy mount", path);
            if (kind == 'r' && *wanted == 'r') {
                if (path[1]) check(kernel5(MOUNT, (word)path, (word)path, 0, 0x5000, 0), "mount", path); /* MS_BIND, MS_REC */
                check(kernel5(MOUNT_SETATTR, from_here, (word)path, RECURSIVE, attributes, 32), "make read-only", path);
            }
            if (kind == 't' && *wanted == 't') /* MS_NOSUID, MS_NODEV */
                check(kernel5(MOUNT, (word)"tmpfs", (word)path, (word)"tmpfs", 6, (word)"mode=1777"), "mount", path);
            if (kind == 'w' && *wanted == '=')
                check(kernel5(MOVE_MOUNT, (word)copies[put_back++], (word)"", from_here, (word)path, 4), /* of a descriptor */
                      "make writable", path);
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

/* What it may never have is gone from its bounding set, what it keeps goes with it over the change of user and exec. */
static void change_rights(const char *mask, const char *uid, const char *gid, const char *groups) {
    static unsigned header[2] = {0x20080522, 0}, sets[6]; /* effective, permitted, inheritable: twice */
    const char *at = mask;
    word kept = number(&at), stays_root = *uid == '-' || (*uid == '0' && !uid[1]);
    if (*mask == '-') {
        change_user(uid, gid, groups);
        return;
    }
    for (word capability = 0; capability < 64; capability++) {
        long result = kept >> capability & 1 ? 0 : kernel(PRCTL, 24, capability, 0, 0); /* PR_CAPBSET_DROP */
        if (result == -22) break; /* the kernel has no more */
        check(result, "drop capabilities", "");
    }
    if (!stays_root) check(kernel(PRCTL, 8, 1, 0, 0), "keep capabilities", ""); /* PR_SET_KEEPCAPS */
    change_user(uid, gid, groups);
    if (stays_root) return;
    sets[0] = sets[1] = sets[2] = (unsigned)kept;
    sets[3] = sets[4] = sets[5] = (unsigned)(kept >> 32);
    check(kernel(CAPSET, (word)header, (word)sets, 0, 0), "keep capabilities", "");
    for (word capability = 0; capability < 64; capability++)
        if (kept >> capability & 1) /* PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE */
            check(kernel(PRCTL, 47, 2, capability, 0), "keep capabilities", "");
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
    word shared = 3 - head.streams; /* one stream is both, and there is no input */
    first = GIVEN + head.descriptors - head.groups - 2;
    for (word number = shared ? 1 : 0; number < 3; number++)
        check(kernel(DUP3, GIVEN + (shared ? 0 : number), number, 0, 0), "place descriptors", "");
    for (word number = 3; number < head.descriptors + shared; number++)
        check(kernel(DUP3, number + GIVEN - shared, number, 0, 0), "place descriptors", "");
    first = head.descriptors - head.groups - 2 + shared;
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

enum { GROUP, MASK, UID, GID, GROUPS, FOLDER, MARK, LIMITS, NICE, SCORE, RIGHTS, MOUNTS, PROGRAM, FIELDS };

static void launch(void) {
    char **fields = order.words + (head.size + 7) / 8, **next = fields, **variables, *at = order.text, *digits;
    const char *mask, *text, *rights;
    word may_gain, pid = (word)kernel(GETPID, 0, 0, 0, 0), count = FIELDS + head.arguments + head.variables;
    kernel(SETSID, 0, 0, 0, 0);
    place();
    for (word index = 0; index < count; index++) {
        if (index == FIELDS + head.arguments) *next++ = 0;
        *next++ = at;
        while (*at++) {}
    }
    next[0] = next[1] = 0; /* also where there is no variable */
    variables = fields + FIELDS + head.arguments + 1;
    check(unmade, "make control group", fields[GROUP]);
    join_groups();
    set_priorities(fields[NICE], fields[SCORE]);
    change_mounts(fields[MOUNTS]);
    set_limits(fields[LIMITS]);
    mask = fields[MASK], kernel(UMASK, number(&mask), 0, 0, 0);
    rights = fields[RIGHTS], may_gain = *rights == '+';
    change_rights(rights + may_gain, fields[UID], fields[GID], fields[GROUPS]);
    check(kernel(CHDIR, (word)fields[FOLDER], 0, 0, 0), "change to folder", fields[FOLDER]);
    if (!may_gain) check(kernel(PRCTL, 38, 1, 0, 0), "give up new privileges", ""); /* PR_SET_NO_NEW_PRIVS */
    if ((digits = (char *)variable(variables, "LISTEN_PID"))) { /* room for its digits is there */
        text = line, *put_number(line, pid) = 0;
        while ((*digits++ = *text++)) {}
    }
    note(fields[MARK], pid);
    check(kernel(CLOSE_RANGE, first, ~0U, 4, 0), "close descriptors", ""); /* CLOSE_RANGE_CLOEXEC */
    execute(fields[PROGRAM], fields + FIELDS, variables);
}

/* A child in its control group from its first instruction on, where the kernel can: to move there later takes far longer. */
static long make(void) {
    static struct { word flags, pidfd, child, parent, signal, stack, size, tls, ids, count, group; } how;
    unmade = 0;
    if (head.unified && *order.text) { /* GROUP */
        const word place = GIVEN + head.descriptors - head.groups;
        long opened = kernel(MKDIRAT, place, (word)order.text, 0755, 0);
        if (opened >= 0 || opened == -17) opened = kernel(OPENAT, place, (word)order.text, CLOSE_ON_EXEC, 0); /* EEXIST */
        if (opened >= 0) kernel(DUP3, (word)opened, place, CLOSE_ON_EXEC, 0), kernel(CLOSE, (word)opened, 0, 0, 0);
        unmade = opened < 0 ? opened : 0;
    }
    if (head.unified && !unmade) {
        long result;
        how.flags = 0x200008000UL; /* CLONE_INTO_CGROUP, CLONE_PARENT: then it has the signal of its parent, SIGCHLD */
        how.group = GIVEN + head.descriptors - head.groups;
        joined = 1;
        result = kernel(CLONE3, (word)&how, sizeof how, 0, 0);
        if (result >= 0 || result == -11 || result == -12) return result; /* else it joins, and says what is wrong */
    }
    joined = 0;
    return kernel(CLONE, 0x8000 | 17, 0, 0, 0); /* CLONE_PARENT, SIGCHLD */
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
        if (result > 0) result = make();
        if (!result) launch();
        for (volatile char *at = order.text; at < order.text + head.size;) *at++ = 0; /* there may be secrets in it */
        kernel(CLOSE_RANGE, GIVEN, ~0U, 0, 0);
        kernel(WRITE, ORDERS, (word)&result, sizeof result, 0);
    }
    kernel(EXIT, 0, 0, 0, 0);
}
