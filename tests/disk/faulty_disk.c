/*
 * A disk that fails when told to and writes down what it was asked to do.
 *
 * Preloaded into a program, this stands between it and the calls of libc that reach files below one folder:
 *
 *   FAULTY_DISK_FOLDER   the folder, as an absolute path
 *   FAULTY_DISK_CONTROL  a file of at least sizeof(struct control) bytes: which calls fail; read at each call
 *   FAULTY_DISK_JOURNAL  a file to which what happens is appended; none is written where this is not set
 *
 * Whatever it does itself it does by system calls, which nobody stands before.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* As tests/disk/faulty_disk.rs writes it. */
struct control {
    uint64_t calls;  /* which calls fail: bits as below; 0: none */
    uint64_t nth;    /* the first of them that fails; 1 is the next */
    uint64_t error;  /* with which errno */
    uint64_t lasts;  /* 0: only that one fails; 1: all from it on */
    uint64_t parts;  /* 1: a write fails by writing the half of it, and those after it fail */
    uint64_t seen;   /* how many calls there were of those kinds */
    uint64_t failed; /* how many of them failed */
    char suffix[16]; /* only files whose names end so */
};

enum { WRITE = 1, SYNC = 2, TRUNCATE = 4, OPEN = 8, READ = 16, UNLINK = 32, GROW = 64 };

struct record {
    uint64_t kind; /* a letter */
    uint64_t file; /* the number of the inode */
    uint64_t at;   /* an offset or a size */
    uint64_t size; /* of what follows: data or a name below the folder */
};

#define FDS 65536
static struct watched {
    uint64_t file; /* 0: not watched */
    char end[16];  /* of the name */
} fds[FDS];

static char folder[PATH_MAX];
static size_t folder_length;
static volatile struct control *control;
static int journal = -1;
/* Held while a call is made and noted, so that the journal has the order in which things happened. */
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

static void give_up(const char *why) {
    dprintf(2, "faulty disk: %s: %s\n", why, strerror(errno));
    _exit(99);
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULTY_DISK_FOLDER");
    if (!path || strlen(path) >= sizeof folder)
        return;
    const char *name = getenv("FAULTY_DISK_CONTROL");
    int fd = name ? (int)syscall(SYS_openat, AT_FDCWD, name, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        give_up("no control file");
    void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED)
        give_up("cannot map the control file");
    syscall(SYS_close, fd);
    control = mapped;
    name = getenv("FAULTY_DISK_JOURNAL");
    if (name) {
        journal = (int)syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_APPEND | O_CLOEXEC);
        if (journal < 0)
            give_up("no journal");
    }
    strcpy(folder, path);
    folder_length = strlen(folder);
}

static void lock(void) {
    if (journal >= 0)
        pthread_mutex_lock(&order);
}

static void unlock(void) {
    if (journal >= 0) {
        int error = errno;
        pthread_mutex_unlock(&order);
        errno = error;
    }
}

/* One call, so that a process that is killed leaves at most the last record incomplete. */
static void note(char kind, uint64_t file, uint64_t at, const void *data, size_t size) {
    if (journal < 0)
        return;
    int error = errno;
    struct record record = {(uint64_t)kind, file, at, size};
    struct iovec parts[] = {{&record, sizeof record}, {(void *)data, size}};
    if (syscall(SYS_writev, journal, parts, 2) != (long)(sizeof record + size))
        give_up("cannot write the journal");
    errno = error;
}

/* The path below the folder, or NULL for others. */
static const char *below(const char *path, char *space) {
    if (!folder_length || !path)
        return NULL;
    if (path[0] != '/') {
        if (!getcwd(space, PATH_MAX) || strlen(space) + strlen(path) + 2 > PATH_MAX)
            return NULL;
        path = strcat(strcat(space, "/"), path);
    }
    if (strncmp(path, folder, folder_length))
        return NULL;
    path += folder_length;
    if (*path == '/')
        return path + 1;
    return *path ? NULL : path;
}

static void end_of(const char *name, char *end) {
    size_t length = strlen(name);
    size_t kept = length < 15 ? length : 15;
    memset(end, 0, 16);
    memcpy(end, name + length - kept, kept);
}

static struct watched *watched(int fd) {
    return fd >= 0 && fd < FDS && fds[fd].file ? &fds[fd] : NULL;
}

/* 0: the call is to be made; 1: it is to fail, with errno; 2: it is to write the half. */
static int fails(uint64_t call, const char *end) {
    if (!(control->calls & call))
        return 0;
    const char *suffix = (const char *)control->suffix;
    size_t length = strnlen(suffix, 15), of = strlen(end);
    if (length > of || strcmp(end + of - length, suffix))
        return 0;
    uint64_t number = __atomic_add_fetch(&control->seen, 1, __ATOMIC_SEQ_CST);
    if (control->lasts ? number < control->nth : number != control->nth)
        return 0;
    __atomic_add_fetch(&control->failed, 1, __ATOMIC_SEQ_CST);
    errno = (int)control->error;
    return control->parts && call == WRITE && number == control->nth ? 2 : 1;
}

static int fails_path(uint64_t call, const char *name) {
    char end[16];
    end_of(name, end);
    return fails(call, end);
}

static int open_watched(const char *path, const char *name, int flags, mode_t mode) {
    struct stat found;
    if (fails_path(OPEN, name))
        return -1;
    lock();
    int existed = fstatat(AT_FDCWD, path, &found, 0) == 0;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (fd >= 0 && fstat(fd, &found) == 0) {
        if (fd >= FDS)
            give_up("too many files");
        fds[fd].file = found.st_ino;
        end_of(name, fds[fd].end);
        note(existed ? 'O' : 'C', found.st_ino, 0, name, strlen(name));
        if (existed && flags & O_TRUNC)
            note('T', found.st_ino, 0, NULL, 0);
    }
    unlock();
    return fd;
}

int open(const char *path, int flags, ...) {
    mode_t mode = 0;
    char space[PATH_MAX];
    if (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) {
        va_list more;
        va_start(more, flags);
        mode = (mode_t)va_arg(more, int);
        va_end(more);
    }
    const char *name = below(path, space);
    if (name)
        return open_watched(path, name, flags, mode);
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
int open64(const char *, int, ...) __attribute__((alias("open")));

int close(int fd) {
    if (watched(fd))
        fds[fd].file = 0;
    return (int)syscall(SYS_close, fd);
}

static ssize_t write_watched(int fd, struct watched *it, const void *data, size_t size, off_t at) {
    struct stat now;
    if (control->calls & GROW && fstat(fd, &now) == 0 && at + (off_t)size > now.st_size &&
        fails(GROW, it->end))
        return -1;
    int how = fails(WRITE, it->end);
    if (how == 1 || (how == 2 && size < 2))
        return -1;
    lock();
    ssize_t done = syscall(SYS_pwrite64, fd, data, how ? size / 2 : size, at);
    if (done > 0)
        note('W', it->file, (uint64_t)at, data, (size_t)done);
    unlock();
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    struct watched *it = watched(fd);
    return it ? write_watched(fd, it, data, size, at) : syscall(SYS_pwrite64, fd, data, size, at);
}
ssize_t pwrite64(int, const void *, size_t, off_t) __attribute__((alias("pwrite")));

/* Notes that an answer goes out, before it does: whoever has it finds it in the journal. */
static void note_answer(const void *data, size_t size) {
    if (journal >= 0 && size >= 12 && !memcmp(data, "HTTP/1.1 ", 9)) {
        lock();
        note('A', 0, 0, data, 12);
        unlock();
    }
}

ssize_t write(int fd, const void *data, size_t size) {
    struct watched *it = watched(fd);
    if (!it) {
        note_answer(data, size);
        return syscall(SYS_write, fd, data, size);
    }
    off_t at = syscall(SYS_lseek, fd, 0, SEEK_CUR);
    ssize_t done = write_watched(fd, it, data, size, at);
    if (done > 0)
        syscall(SYS_lseek, fd, at + done, SEEK_SET);
    return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (watched(fd))
        return count > 0 ? write(fd, parts[0].iov_base, parts[0].iov_len) : 0;
    if (count > 0)
        note_answer(parts[0].iov_base, parts[0].iov_len);
    return syscall(SYS_writev, fd, parts, count);
}

ssize_t send(int fd, const void *data, size_t size, int flags) {
    note_answer(data, size);
    return syscall(SYS_sendto, fd, data, size, flags, NULL, 0);
}

ssize_t pread(int fd, void *into, size_t size, off_t at) {
    struct watched *it = watched(fd);
    if (it && fails(READ, it->end))
        return -1;
    return syscall(SYS_pread64, fd, into, size, at);
}
ssize_t pread64(int, void *, size_t, off_t) __attribute__((alias("pread")));

ssize_t read(int fd, void *into, size_t size) {
    struct watched *it = watched(fd);
    if (it && fails(READ, it->end))
        return -1;
    return syscall(SYS_read, fd, into, size);
}

static int sync_watched(long number, int fd) {
    struct watched *it = watched(fd);
    if (!it)
        return (int)syscall(number, fd);
    lock();
    /* What was written and could not be synced counts as clean afterwards, as it does to Linux. */
    int done = fails(SYNC, it->end) ? -1 : (int)syscall(number, fd);
    note(done ? 'F' : 'S', it->file, 0, NULL, 0);
    unlock();
    return done;
}

int fsync(int fd) { return sync_watched(SYS_fsync, fd); }
int fdatasync(int fd) { return sync_watched(SYS_fdatasync, fd); }

int ftruncate(int fd, off_t size) {
    struct watched *it = watched(fd);
    if (!it)
        return (int)syscall(SYS_ftruncate, fd, size);
    if (fails(TRUNCATE, it->end))
        return -1;
    lock();
    int done = (int)syscall(SYS_ftruncate, fd, size);
    if (!done)
        note('T', it->file, (uint64_t)size, NULL, 0);
    unlock();
    return done;
}
int ftruncate64(int, off_t) __attribute__((alias("ftruncate")));

int unlink(const char *path) {
    char space[PATH_MAX];
    const char *name = below(path, space);
    if (name && fails_path(UNLINK, name))
        return -1;
    lock();
    int done = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (name && !done)
        note('U', 0, 0, name, strlen(name));
    unlock();
    return done;
}

int mkdir(const char *path, mode_t mode) {
    char space[PATH_MAX];
    const char *name = below(path, space);
    if (name && fails_path(OPEN, name))
        return -1;
    lock();
    int done = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    struct stat made;
    if (name && !done && fstatat(AT_FDCWD, path, &made, 0) == 0)
        note('M', made.st_ino, 0, name, strlen(name));
    unlock();
    return done;
}

/* Nothing below the folder is renamed so far; a journal that misses it would be wrong. */
int rename(const char *from, const char *to) {
    char space[PATH_MAX];
    if (below(to, space) || below(from, space)) {
        errno = ENOTSUP;
        give_up("rename");
    }
    return (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}
