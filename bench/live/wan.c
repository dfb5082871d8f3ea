/* A long way between two network namespaces: every packet that enters one TUN device leaves the other later.

   wan NAMESPACE-A NAMESPACE-B CONTROL-FILE   both namespaces by name, as `ip netns` keeps them; the device is `wan0`.
   The control file is mapped memory of 64-bit numbers: delay one way in microseconds (may change at any time), then
   for A to B and for B to A each: packets, bytes. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 16384, MTU = 1600 };

struct control { volatile uint64_t delay_us, packets_ab, bytes_ab, packets_ba, bytes_ba; };
struct packet { uint64_t due_ns; ssize_t length; unsigned char data[MTU]; };
struct queue { struct packet *slots; unsigned long head, tail; };

static void die(const char *what) { perror(what); exit(1); }

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int device_in(const char *name) {
    char path[256];
    snprintf(path, sizeof path, "/run/netns/%s", name);
    int space = open(path, O_RDONLY | O_CLOEXEC);
    if (space < 0 || setns(space, CLONE_NEWNET) < 0) die(path);
    close(space);
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI, .ifr_name = "wan0"};
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0) die("/dev/net/tun");
    return fd;
}

/* Send what is due; return when the next packet is, or `latest`. */
static uint64_t deliver(struct queue *q, int to, uint64_t now, uint64_t latest) {
    for (; q->head != q->tail; q->head++) {
        struct packet *p = &q->slots[q->head % SLOTS];
        if (p->due_ns > now) return p->due_ns < latest ? p->due_ns : latest;
        if (write(to, p->data, (size_t)p->length) < 0) { /* a full queue loses packets, as networks do */ }
    }
    return latest;
}

static void take(struct queue *q, int from, uint64_t delay_us, volatile uint64_t *packets, volatile uint64_t *bytes) {
    while (q->tail - q->head < SLOTS) {
        struct packet *p = &q->slots[q->tail % SLOTS];
        p->length = read(from, p->data, MTU);
        if (p->length <= 0) return;
        p->due_ns = now_ns() + delay_us * 1000;
        *packets += 1;
        *bytes += (uint64_t)p->length;
        q->tail++;
    }
}

int main(int count, char **words) {
    if (count != 4) { fprintf(stderr, "usage: wan NAMESPACE-A NAMESPACE-B CONTROL-FILE\n"); return 2; }
    int a = device_in(words[1]), b = device_in(words[2]);
    int file = open(words[3], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, 4096) < 0) die(words[3]);
    struct control *control = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (control == MAP_FAILED) die("mmap");
    struct queue ab = {calloc(SLOTS, sizeof(struct packet)), 0, 0}, ba = {calloc(SLOTS, sizeof(struct packet)), 0, 0};
    if (!ab.slots || !ba.slots) die("calloc");
    puts("ready");
    fflush(stdout);
    for (;;) {
        uint64_t now = now_ns(), next = now + 1000000000u;
        next = deliver(&ab, b, now, next);
        next = deliver(&ba, a, now, next);
        struct pollfd ready[] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
        uint64_t wait = next > now_ns() ? next - now_ns() : 0;
        if (wait > 1000000000u) wait = 0;
        struct timespec pause = {(time_t)(wait / 1000000000u), (long)(wait % 1000000000u)};
        ppoll(ready, 2, &pause, NULL);
        if (ready[0].revents & POLLIN) take(&ab, a, control->delay_us, &control->packets_ab, &control->bytes_ab);
        if (ready[1].revents & POLLIN) take(&ba, b, control->delay_us, &control->packets_ba, &control->bytes_ba);
    }
}
