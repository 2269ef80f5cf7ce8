// Linux calls that Swift's Glibc module does not show, because it is built without _GNU_SOURCE.
#pragma once
#include <fcntl.h>
#include <stdint.h>
#include <sys/vfs.h>

extern int renameat2(int, const char *, int, const char *, unsigned int);
extern int syncfs(int);
extern int sync_file_range(int, off_t, off_t, unsigned int);

// Exchanges two paths in one step (RENAME_EXCHANGE).
static inline int daytwo_exchange(int a, const char *pa, int b, const char *pb) { return renameat2(a, pa, b, pb, 2); }

// Renames, and fails where the new name is taken (RENAME_NOREPLACE).
static inline int daytwo_rename_new(int a, const char *pa, int b, const char *pb) { return renameat2(a, pa, b, pb, 1); }

// Starts write-back of a range and does not wait for it (SYNC_FILE_RANGE_WRITE).
static inline int daytwo_start_write_back(int fd, int64_t offset, int64_t length) {
    return sync_file_range(fd, offset, length, 2);
}

// The file system's magic number, or -1: statfs has the name of its struct, which Swift cannot tell apart.
static inline int64_t daytwo_file_system_type(int fd) {
    struct statfs s;
    return fstatfs(fd, &s) == 0 ? (int64_t)(uint32_t)s.f_type : -1;
}

// Bytes that an unprivileged writer can still have, or -1.
static inline int64_t daytwo_free_bytes(int fd) {
    struct statfs s;
    return fstatfs(fd, &s) == 0 ? (int64_t)s.f_bavail * (int64_t)s.f_bsize : -1;
}

// fcntl is variadic. Open-file-description locks conflict with SQLite's POSIX locks, but closing another
// descriptor of the same file does not drop them.
static inline int daytwo_lock_range(int fd, short type, int64_t start, int64_t length) {
    struct flock l = {.l_type = type, .l_whence = 0, .l_start = start, .l_len = length, .l_pid = 0};
    return fcntl(fd, 37 /* F_OFD_SETLK */, &l);
}

// Who holds a lock that conflicts: 0 nobody, a pid, or -1 when unknown (another pid namespace, an OFD lock).
static inline int64_t daytwo_lock_holder(int fd, short type, int64_t start, int64_t length) {
    struct flock l = {.l_type = type, .l_whence = 0, .l_start = start, .l_len = length, .l_pid = 0};
    if (fcntl(fd, 36 /* F_OFD_GETLK */, &l) != 0) return -2;
    if (l.l_type == 2 /* F_UNLCK */) return 0;
    return l.l_pid > 0 ? l.l_pid : -1;
}
