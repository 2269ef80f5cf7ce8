// Linux calls that Swift's Glibc module does not show, because it is built without _GNU_SOURCE.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <unistd.h>

extern int renameat2(int, const char *, int, const char *, unsigned int);
extern int syncfs(int);
extern int sync_file_range(int, off_t, off_t, unsigned int);
extern ssize_t copy_file_range(int, off_t *, int, off_t *, size_t, unsigned int);
extern int statx(int, const char *, int, unsigned int, struct statx *);

// When a file was made, in nanoseconds since 1970; 0 where its file system does not know, -1 with errno otherwise.
static inline int64_t daytwo_birth_time(const char *path) {
    struct statx status = {0};
    if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &status) != 0) return -1;
    if (!(status.stx_mask & STATX_BTIME)) return 0;
    return (int64_t)status.stx_btime.tv_sec * 1000000000 + status.stx_btime.tv_nsec;
}

// Flags of open that only _GNU_SOURCE shows.
static const int32_t daytwo_O_TMPFILE = 020000000 | O_DIRECTORY;
static const int32_t daytwo_O_PATH = 010000000;

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

// What statx says, flat: the struct itself has reserved parts that change with the headers.
struct daytwo_status {
    uint32_t mode, uid, gid, links;
    uint64_t size, inode, device, special_device;
    int64_t modified_seconds, changed_seconds;
    uint32_t modified_nanoseconds, changed_nanoseconds;
    // 1: the root of a mount, 0: not, -1: this kernel does not tell.
    int32_t mount_root;
};

// Status of `path` below `directory`, or of the descriptor itself where `path` is empty.
static inline int daytwo_stat(int directory, const char *path, int follow, struct daytwo_status *out) {
    struct statx s;
    int flags = (follow ? 0 : 0x100 /* AT_SYMLINK_NOFOLLOW */) | 0x800 /* AT_NO_AUTOMOUNT */;
    if (path[0] == 0) flags |= 0x1000 /* AT_EMPTY_PATH */;
    if (statx(directory, path, flags, 0x7ff /* STATX_BASIC_STATS */, &s) != 0) return -1;
    out->mode = s.stx_mode;
    out->uid = s.stx_uid;
    out->gid = s.stx_gid;
    out->links = s.stx_nlink;
    out->size = s.stx_size;
    out->inode = s.stx_ino;
    out->device = makedev(s.stx_dev_major, s.stx_dev_minor);
    out->special_device = makedev(s.stx_rdev_major, s.stx_rdev_minor);
    out->modified_seconds = s.stx_mtime.tv_sec;
    out->modified_nanoseconds = s.stx_mtime.tv_nsec;
    out->changed_seconds = s.stx_ctime.tv_sec;
    out->changed_nanoseconds = s.stx_ctime.tv_nsec;
    out->mount_root = (s.stx_attributes_mask & 0x2000 /* STATX_ATTR_MOUNT_ROOT */)
        ? ((s.stx_attributes & 0x2000) ? 1 : 0) : -1;
    return 0;
}

// Opens `name`, one component or more, below `directory`: no symbolic link, no other mount, no way out is followed.
// A kernel without openat2, or a sandbox that forbids it, gets the nearest thing; the caller compares devices as well.
static inline int daytwo_open_beneath(int directory, const char *name, int flags, uint32_t mode) {
    struct open_how how = {0};
    how.flags = (uint64_t)(uint32_t)flags | O_CLOEXEC | O_NOFOLLOW;
    how.mode = (flags & O_CREAT) ? mode : 0;
    how.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
    long fd = syscall(SYS_openat2, directory, name, &how, sizeof how);
    if (fd >= 0) return (int)fd;
    if (errno != ENOSYS && errno != EPERM) return -1;
    return openat(directory, name, flags | O_CLOEXEC | O_NOFOLLOW, mode);
}

// Lets `target` share the blocks of `source` (FICLONE); ioctl is variadic.
static inline int daytwo_clone(int target, int source) { return ioctl(target, 0x40049409, source); }

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

extern int pipe2(int[2], int);
extern int accept4(int, struct sockaddr *, socklen_t *, int);
extern int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *, const char *);
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int);

// A pipe whose ends no child inherits, and whose reading end never waits.
static inline int daytwo_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    return fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

// The next connection, not inherited and never waiting.
static inline int daytwo_accept(int listener) { return accept4(listener, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK); }

// A file in memory that is gone when closed.
static inline int daytwo_memory_file(const char *name) { return (int)syscall(SYS_memfd_create, name, 1 /* MFD_CLOEXEC */); }

// A descriptor that becomes readable when the process ends (Linux 5.3), or -1.
static inline int daytwo_open_process(pid_t process) { return (int)syscall(434 /* SYS_pidfd_open */, process, 0); }

// POSIX_SPAWN_SETSID, which only _GNU_SOURCE shows.
static const short daytwo_SPAWN_SETSID = 0x80;

// Starts a program in a session, and so a process group, of its own: no terminal can ask or signal it. It gets these
// three descriptors and no others, no signal blocked or ignored. Gives 0, or the errno of what failed, the exec
// included.
static inline int daytwo_spawn(
    const char *path, char *const *argv, char *const *envp, const char *directory, int input, int output, int errors,
    pid_t *process
) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int number = posix_spawn_file_actions_init(&actions);
    if (number != 0) return number;
    number = posix_spawnattr_init(&attributes);
    if (number == 0) {
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | daytwo_SPAWN_SETSID);
        number = posix_spawn_file_actions_adddup2(&actions, input, 0);
        if (number == 0) number = posix_spawn_file_actions_adddup2(&actions, output, 1);
        if (number == 0) number = posix_spawn_file_actions_adddup2(&actions, errors, 2);
        if (number == 0) number = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
        if (number == 0 && directory) number = posix_spawn_file_actions_addchdir_np(&actions, directory);
        if (number == 0) number = posix_spawn(process, path, &actions, &attributes, argv, envp);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return number;
}
