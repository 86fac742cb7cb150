// Kinds of sockets, some of which reach beyond the network namespace or into rarely used code of the kernel.
#include "probe.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define SOCKET(function, family, type, protocol) \
    static long function(void) { return socket(family, (type) | SOCK_CLOEXEC, protocol); }
SOCKET(vsock, AF_VSOCK, SOCK_STREAM, 0)
SOCKET(packet, AF_PACKET, SOCK_RAW, 0x0300)
SOCKET(raw_icmp, AF_INET, SOCK_RAW, IPPROTO_ICMP)
SOCKET(raw_any, AF_INET, SOCK_RAW, IPPROTO_RAW)
SOCKET(raw_six, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6)
SOCKET(crypto, AF_ALG, SOCK_SEQPACKET, 0)
SOCKET(route, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)
SOCKET(audit, AF_NETLINK, SOCK_RAW, NETLINK_AUDIT)
SOCKET(netfilter, AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER)
SOCKET(events, AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT)
SOCKET(connector, AF_NETLINK, SOCK_RAW, NETLINK_CONNECTOR)
SOCKET(transform, AF_NETLINK, SOCK_RAW, NETLINK_XFRM)
SOCKET(generic, AF_NETLINK, SOCK_RAW, NETLINK_GENERIC)
SOCKET(diagnosis, AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG)
SOCKET(scsi_events, AF_NETLINK, SOCK_RAW, NETLINK_SCSITRANSPORT)
SOCKET(key, AF_KEY, SOCK_RAW, 2)
SOCKET(bluetooth, AF_BLUETOOTH, SOCK_RAW, 1)
SOCKET(can, AF_CAN, SOCK_RAW, 1)
SOCKET(tipc, AF_TIPC, SOCK_RDM, 0)
SOCKET(kcm, AF_KCM, SOCK_DGRAM, 0)
SOCKET(rxrpc, AF_RXRPC, SOCK_DGRAM, AF_INET)
SOCKET(smc, AF_SMC, SOCK_STREAM, 0)
SOCKET(xdp, AF_XDP, SOCK_RAW, 0)
SOCKET(appletalk, AF_APPLETALK, SOCK_DGRAM, 0)
SOCKET(rds, AF_RDS, SOCK_SEQPACKET, 0)

static long low_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(81)};
    return bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address);
}
// Sets the flags of the loopback to their current values.
static long set_interface(void) {
    struct ifreq request = {.ifr_name = "lo"};
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0 || ioctl(descriptor, SIOCGIFFLAGS, &request) != 0) return -1;
    return ioctl(descriptor, SIOCSIFFLAGS, &request);
}
static long mark(void) {
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), value = 1;
    return setsockopt(descriptor, SOL_SOCKET, SO_MARK, &value, sizeof value);
}
static long force_buffer(void) {
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), value = 1 << 20;
    return setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &value, sizeof value);
}
static long transparent(void) {
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), value = 1;
    return setsockopt(descriptor, SOL_IP, IP_TRANSPARENT, &value, sizeof value);
}

const struct attempt socket_attempts[] = {
    {"socket-vsock", vsock, {0}},
    {"socket-packet", packet, {0}},
    {"socket-raw-icmp", raw_icmp, {0}},
    {"socket-raw-any", raw_any, {0}},
    {"socket-raw-icmp6", raw_six, {0}},
    {"socket-alg", crypto, {0}},
    {"netlink-route", route, {0}},
    {"netlink-audit", audit, {0}},
    {"netlink-netfilter", netfilter, {0}},
    {"netlink-uevent", events, {0}},
    {"netlink-connector", connector, {0}},
    {"netlink-xfrm", transform, {0}},
    {"netlink-generic", generic, {0}},
    {"netlink-diag", diagnosis, {0}},
    {"netlink-scsi", scsi_events, {0}},
    {"socket-key", key, {0}},
    {"socket-bluetooth", bluetooth, {0}},
    {"socket-can", can, {0}},
    {"socket-tipc", tipc, {0}},
    {"socket-kcm", kcm, {0}},
    {"socket-rxrpc", rxrpc, {0}},
    {"socket-smc", smc, {0}},
    {"socket-xdp", xdp, {0}},
    {"socket-appletalk", appletalk, {0}},
    {"socket-rds", rds, {0}},
    {"bind-low-port", low_port, {0}},
    {"set-interface", set_interface, {0}},
    {"socket-mark", mark, {0}},
    {"socket-force-buffer", force_buffer, {0}},
    {"socket-transparent", transparent, {0}},
    {0},
};
