/* Loaded before the C library: the nth of a system call fails, once, as a test asks.
 *
 * fault_arm(name, nth, error) arms one call; fault_count(name) says how often it was made since. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

#define CALLS                                                                                    \
    CALL(socket) CALL(bind) CALL(listen) CALL(accept4) CALL(connect) CALL(send) CALL(recv)       \
    CALL(shutdown) CALL(setsockopt) CALL(getsockname) CALL(getpeername) CALL(unlink)             \
    CALL(rename) CALL(flock) CALL(fcntl) CALL(chmod) CALL(fchmod) CALL(epoll_ctl)

#define CALL(name) N_##name,
enum { CALLS N };
#undef CALL
#define CALL(name) #name,
static const char *names[] = {CALLS};
#undef CALL

static long counts[N];
static int armed = -1, at, failing_with;

static int index_of(const char *name) {
    for (int each = 0; each < N; each++)
        if (strcmp(names[each], name) == 0)
            return each;
    return -1;
}

int fault_arm(const char *name, int nth, int error) {
    memset(counts, 0, sizeof counts);
    armed = index_of(name), at = nth, failing_with = error;
    return armed;
}

long fault_count(const char *name) { return counts[index_of(name)]; }

static int fails(int call) {
    counts[call]++;
    if (call != armed || counts[call] != at)
        return 0;
    errno = failing_with;
    return 1;
}

#define WRAP(type, name, parameters, arguments)                                                  \
    type name parameters {                                                                       \
        static type(*real) parameters;                                                           \
        if (!real)                                                                               \
            real = (type(*) parameters)dlsym(RTLD_NEXT, #name);                                  \
        return fails(N_##name) ? (type)-1 : real arguments;                                      \
    }

WRAP(int, socket, (int a, int b, int c), (a, b, c))
WRAP(int, bind, (int a, const struct sockaddr *b, socklen_t c), (a, b, c))
WRAP(int, listen, (int a, int b), (a, b))
WRAP(int, accept4, (int a, struct sockaddr *b, socklen_t *c, int d), (a, b, c, d))
WRAP(int, connect, (int a, const struct sockaddr *b, socklen_t c), (a, b, c))
WRAP(ssize_t, send, (int a, const void *b, size_t c, int d), (a, b, c, d))
WRAP(ssize_t, recv, (int a, void *b, size_t c, int d), (a, b, c, d))
WRAP(int, shutdown, (int a, int b), (a, b))
WRAP(int, setsockopt, (int a, int b, int c, const void *d, socklen_t e), (a, b, c, d, e))
WRAP(int, getsockname, (int a, struct sockaddr *b, socklen_t *c), (a, b, c))
WRAP(int, getpeername, (int a, struct sockaddr *b, socklen_t *c), (a, b, c))
WRAP(int, unlink, (const char *a), (a))
WRAP(int, rename, (const char *a, const char *b), (a, b))
WRAP(int, flock, (int a, int b), (a, b))
WRAP(int, chmod, (const char *a, mode_t b), (a, b))
WRAP(int, fchmod, (int a, mode_t b), (a, b))
struct epoll_event;
WRAP(int, epoll_ctl, (int a, int b, int c, struct epoll_event *d), (a, b, c, d))

static int any_fcntl(const char *name, int descriptor, int command, void *argument) {
    int (*real)(int, int, ...) = (int (*)(int, int, ...))dlsym(RTLD_NEXT, name);
    return fails(N_fcntl) ? -1 : real(descriptor, command, argument);
}

#define FCNTL(name)                                                                              \
    int name(int descriptor, int command, ...) {                                                 \
        va_list rest;                                                                            \
        va_start(rest, command);                                                                 \
        void *argument = va_arg(rest, void *);                                                   \
        va_end(rest);                                                                            \
        return any_fcntl(#name, descriptor, command, argument);                                  \
    }

FCNTL(fcntl)
FCNTL(fcntl64)
