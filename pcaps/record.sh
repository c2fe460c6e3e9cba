#!/bin/bash
# Records captures anew: real programs talking between network namespaces of one machine.
#
#   record.sh [-o DIRECTORY] [NAME...]    names: http dns http6 icmp udp-flows long-lived; all, if none is given
#
# Needs root, Linux, and: ip (iproute2), dumpcap, nginx, curl, dnsmasq, dig, python3. Everything it makes, namespaces,
# servers and temporary files, is gone when it ends. Two recordings are never the same, so expectations that name
# packets of these captures have to be recorded anew as well (BLESS=1 npm test).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
if [[ ${1-} == -o ]]; then
	here=$(cd "$2" && pwd)
	shift 2
fi
names=("$@")
[[ $# -gt 0 ]] || names=(http dns http6 icmp udp-flows long-lived)
work=$(mktemp -d)
server=skep-server-$$
client=skep-client-$$
far=skep-far-$$ # behind the server, which is then a router; only for icmp
pids=()

clean_up() {
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
	wait 2>/dev/null || true
	ip netns delete "$client" 2>/dev/null || true
	ip netns delete "$server" 2>/dev/null || true
	ip netns delete "$far" 2>/dev/null || true
	rm -rf "$work"
}
trap clean_up EXIT

on() { # on NAMESPACE COMMAND...; not for the background, where $! would be a subshell
	ip netns exec "$@"
}

# Without this the capture shows frames of 64 KB and unfinished checksums, as no wire ever carries them.
offloads_off() { # offloads_off NAMESPACE INTERFACE
	on "$1" python3 - "$2" <<'PYTHON'
import fcntl, socket, struct, sys, array
SIOCETHTOOL = 0x8946
# rx checksum, tx checksum, scatter-gather, TSO, GSO, GRO
for command in (0x15, 0x17, 0x19, 0x1F, 0x24, 0x2C):
    value = array.array('B', struct.pack('II', command, 0))
    request = struct.pack('16sP', sys.argv[1].encode(), value.buffer_info()[0])
    try:
        fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), SIOCETHTOOL, request)
    except OSError as error:
        if error.errno != 95: raise
PYTHON
}

link() { # link NAME NUMBER: a cable between the two namespaces
	ip link add "$1" netns "$server" address "02:00:00:00:0$2:01" type veth \
		peer name "$1" netns "$client" address "02:00:00:00:0$2:02"
	for space in "$server" "$client"; do
		on "$space" sysctl -qw "net.ipv6.conf.$1.accept_ra=0" "net.ipv6.conf.$1.router_solicitations=0"
		offloads_off "$space" "$1"
		ip -n "$space" link set "$1" up
	done
}

capture() { # capture FILE ARGUMENTS...
	local file=$1
	shift
	ip netns exec "$server" dumpcap -q -B 4 "$@" -w "$work/$file" 2>"$work/$file.log" &
	dumpcap_pid=$!
	pids+=("$dumpcap_pid")
	for _ in $(seq 100); do
		[[ -s "$work/$file" ]] && break
		sleep 0.05
	done
	sleep 0.3
}

capture_end() { # capture_end FILE
	sleep 1.5
	kill -TERM "$dumpcap_pid"
	wait "$dumpcap_pid" || true
	cp "$work/$1" "$here/$1"
	chmod 644 "$here/$1"
}

ping_from() { # ping_from SOURCE DESTINATION COUNT: echo requests; the answers are the kernel's
	on "$client" python3 - "$@" <<'PYTHON'
import os, socket, struct, sys, time
source, destination, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
v6 = ':' in source
s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_RAW,
                  socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP)
s.bind((source, 0))
def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16: total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
for sequence in range(1, count + 1):
    head = (128 if v6 else 8, 0)
    body = struct.pack('!HH', os.getpid() & 0xffff, sequence) + bytes(range(56))
    # The kernel fills in the checksum of ICMPv6 itself.
    message = struct.pack('!BBH', *head, 0 if v6 else checksum(struct.pack('!BBH', *head, 0) + body)) + body
    s.sendto(message, (destination, 0))
    time.sleep(0.2)
PYTHON
}

udp_from() { # udp_from SOURCE DESTINATION PORT COUNT SECONDS
	on "$client" python3 - "$@" <<'PYTHON'
import socket, sys, time
source, destination, port, count, seconds = sys.argv[1], sys.argv[2], *map(float, sys.argv[3:])
s = socket.socket(socket.AF_INET6 if ':' in source else socket.AF_INET, socket.SOCK_DGRAM)
s.bind((source, 40000))
for number in range(int(count)):
    s.sendto(b'skep %04d' % number, (destination, int(port)))
    time.sleep(seconds / count)
PYTHON
}

connect_from() { # connect_from SOURCE DESTINATION PORT...: opens and closes a connection to each port
	on "$client" python3 - "$@" <<'PYTHON'
import socket, sys
source, destination = sys.argv[1:3]
for port in sys.argv[3:]:
    s = socket.socket(socket.AF_INET6 if ':' in source else socket.AF_INET, socket.SOCK_STREAM)
    s.settimeout(1)
    s.bind((source, 0))
    s.connect_ex((destination, int(port)))
    s.close()
PYTHON
}

get() { # get SOURCE CURL-ARGUMENTS...
	local source=$1
	shift
	on "$client" curl -sS -o /dev/null --max-time 3 --interface "$source" -A "curl" "$@" || true
}

ip netns add "$server"
ip netns add "$client"
for space in "$server" "$client"; do
	ip -n "$space" link set lo up
	on "$space" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 net.ipv4.icmp_ratelimit=0
done
link web0 1
link dns0 2

# The networks of RFC 5737 and RFC 3849, which are for documentation and belong to nobody.
ip -n "$server" address add 192.0.2.1/24 dev web0
ip -n "$server" address add 2001:db8:1::1/48 dev web0 nodad
ip -n "$server" route add 203.0.113.0/24 dev web0 src 192.0.2.1
ip -n "$server" route add 198.51.100.0/24 dev web0 src 192.0.2.1
ip -n "$server" route add 2001:db8:bad0::/48 dev web0 src 2001:db8:1::1
for address in 192.0.2.10/24 192.0.2.11/24 203.0.113.7/32 203.0.113.50/32 203.0.113.99/32 198.51.100.10/32 198.51.100.66/32; do
	ip -n "$client" address add "$address" dev web0
done
ip -n "$client" address add 2001:db8:1::10/48 dev web0 nodad
ip -n "$client" address add 2001:db8:bad0::66/48 dev web0 nodad

start_web() { # nginx at all addresses of the server, once
	[[ ! -d "$work/www" ]] || return 0
mkdir -p "$work/www"
printf '<!doctype html><title>skep</title><p>A skep is a woven beehive that one can carry.\n' >"$work/www/index.html"
for line in $(seq 400); do printf 'line %03d: the bees of the meadow bring home what they find\n' "$line"; done >"$work/www/bees.txt"
cat >"$work/nginx.conf" <<NGINX
daemon off;
master_process off;
pid $work/nginx.pid;
error_log $work/nginx.log;
events { worker_connections 256; }
http {
	access_log off;
	client_body_temp_path $work/body;
	proxy_temp_path $work/proxy;
	fastcgi_temp_path $work/fastcgi;
	uwsgi_temp_path $work/uwsgi;
	scgi_temp_path $work/scgi;
	types { text/html html; text/plain txt; }
	server_tokens off;
	server {
		listen 80;
		listen [::]:80;
		root $work/www;
		location /old { return 301 /index.html; }
		location /form { return 204; }
	}
}
NGINX
ip netns exec "$server" nginx -c "$work/nginx.conf" 2>/dev/null &
pids+=($!)
sleep 0.7
}

# ---- http.pcap --------------------------------------------------------------------------------------------------------
record_http() {
start_web
capture http.pcap -P -i web0
get 192.0.2.10 http://192.0.2.1/
get 192.0.2.10 http://192.0.2.1/bees.txt
get 192.0.2.11 http://192.0.2.1/index.html --next --interface 192.0.2.11 -o /dev/null -I http://192.0.2.1/bees.txt
get 203.0.113.7 -L http://192.0.2.1/old
get 203.0.113.7 -d name=queen -d size=20 http://192.0.2.1/form
get 203.0.113.7 http://192.0.2.1/nowhere
ping_from 203.0.113.7 192.0.2.1 3
get 2001:db8:1::10 -g 'http://[2001:db8:1::1]/bees.txt'
ping_from 2001:db8:1::10 2001:db8:1::1 2
# Somebody who is on the deny list.
ping_from 198.51.100.66 192.0.2.1 3
get 198.51.100.66 http://192.0.2.1/
connect_from 198.51.100.66 192.0.2.1 22 80
get 2001:db8:bad0::66 -g 'http://[2001:db8:1::1]/'
# Somebody who looks for open doors; telnet above all.
connect_from 198.51.100.10 192.0.2.1 21 22 23 25 80 110 443 445 2323 3306 8080
udp_from 198.51.100.10 192.0.2.1 19 2 0.1
udp_from 198.51.100.10 192.0.2.1 1900 2 0.1
# Somebody who is too fast: 200 small datagrams in half a second, then 60 connections as fast as they can be opened.
udp_from 203.0.113.99 192.0.2.1 7777 200 0.5
connect_from 203.0.113.50 192.0.2.1 $(for _ in $(seq 60); do echo 80; done)
get 192.0.2.10 http://192.0.2.1/
capture_end http.pcap
}

# ---- dns.pcapng: two interfaces -----------------------------------------------------------------------------------------
record_dns() {
ip -n "$server" address add 192.0.2.53/24 dev web0
ip -n "$server" address add 2001:db8:2::53/48 dev dns0 nodad
ip -n "$client" address add 2001:db8:2::10/48 dev dns0 nodad
long=$(printf 'honey%.0s' $(seq 40))
ip netns exec "$server" dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --no-daemon --pid-file= --user=root \
	--auth-ttl=60 --local-ttl=60 --local=/example/ --edns-packet-max=1232 \
	--host-record=www.hive.example,192.0.2.1,2001:db8:1::1 --host-record=mail.hive.example,192.0.2.25 \
	--cname=web.hive.example,www.hive.example --mx-host=hive.example,mail.hive.example,10 \
	--srv-host=_http._tcp.hive.example,www.hive.example,80,1,2 --txt-record=hive.example,"v=spf1 -all" \
	--txt-record=long.hive.example,"$long","$long","$long","$long","$long","$long","$long" 2>/dev/null &
pids+=($!)
sleep 0.7

capture dns.pcapng -i web0 -i dns0
ask() { # ask SOURCE SERVER DIG-ARGUMENTS...
	local source=$1 at=$2
	shift 2
	on "$client" dig -b "$source" "@$at" +tries=1 +time=2 "$@" >/dev/null || true
}
four=192.0.2.53
six=2001:db8:2::53
ask 192.0.2.10 $four www.hive.example A
ask 192.0.2.10 $four www.hive.example AAAA
ask 192.0.2.11 $four web.hive.example A
ask 192.0.2.11 $four hive.example MX
ask 192.0.2.11 $four hive.example TXT +noedns
ask 203.0.113.7 $four -x 192.0.2.1
ask 203.0.113.7 $four _http._tcp.hive.example SRV
ask 203.0.113.7 $four nowhere.example A
ask 203.0.113.7 $four version.bind TXT CH
ask 2001:db8:2::10 $six www.hive.example AAAA
ask 2001:db8:2::10 $six web.hive.example A
ask 2001:db8:2::10 $six -x 2001:db8:1::1
ask 2001:db8:2::10 $six hive.example MX +noedns
# Too long for a datagram: answered in part, then asked again over TCP; with EDNS it fits.
ask 192.0.2.10 $four long.hive.example TXT +noedns
ask 2001:db8:2::10 $six long.hive.example TXT +bufsize=1232
ask 2001:db8:2::10 $six long.hive.example TXT +bufsize=4096
ask 192.0.2.10 $four www.hive.example A +tcp
# Refused: not a zone of this server; and somebody from the deny list.
ask 192.0.2.10 $four example.com A
ask 198.51.100.66 $four www.hive.example ANY
ask 198.51.100.66 $four www.hive.example A
# Somebody who asks too often.
on "$client" python3 - 203.0.113.99 $four <<'PYTHON'
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 5353))
name = b'\x03www\x04hive\x07example\x00'
for number in range(120):
    s.sendto(struct.pack('!6H', number, 0x100, 1, 0, 0, 0) + name + struct.pack('!2H', 1, 1), (sys.argv[2], 53))
PYTHON
capture_end dns.pcapng

# dumpcap notes the processor and the kernel that it ran on (options of section and interface blocks); blank them.
python3 - "$here/dns.pcapng" <<'PYTHON'
import struct, sys
data = bytearray(open(sys.argv[1], 'rb').read())
at = 0
while at < len(data):
    block, size = struct.unpack_from('<II', data, at)
    first, blank = {0x0A0D0D0A: (24, (2, 3)), 1: (16, (12,))}.get(block, (size, ()))
    option = at + first
    while option < at + size - 4:
        code, length = struct.unpack_from('<HH', data, option)
        if code in blank: data[option + 4:option + 4 + length] = b' ' * length
        option += 4 + (length + 3 & ~3)
    at += size
open(sys.argv[1], 'wb').write(data)
PYTHON
}

# ---- http6.pcap --------------------------------------------------------------------------------------------------------
record_http6() {
	start_web
	local site='http://[2001:db8:1::1]' number
	seq 6000 | sed 's/^/a longer page, line /' >"$work/www/long.txt"
	for number in $(seq 11 40); do ip -n "$client" address replace "2001:db8:1::$number/48" dev web0 nodad; done
	capture http6.pcap -P -i web0
	get 2001:db8:1::10 -g "$site/" --next --interface 2001:db8:1::10 -o /dev/null -g "$site/bees.txt" # one connection
	get 2001:db8:1::11 -g -I "$site/bees.txt"
	get 2001:db8:1::12 -g -L "$site/old"
	get 2001:db8:1::13 -g -d name=queen -d size=20 "$site/form"
	get 2001:db8:1::14 -g -r 1000-1999 "$site/bees.txt"
	get 2001:db8:1::15 -g "$site/nowhere"
	get 2001:db8:1::16 -g --http1.0 "$site/"
	get 2001:db8:1::17 -g --limit-rate 100k "$site/long.txt"
	for number in $(seq 20 40); do get "2001:db8:1::$number" -g "$site/index.html"; done
	ping_from 2001:db8:1::10 2001:db8:1::1 2
	get 2001:db8:bad0::66 -g "$site/" # from the denied network
	connect_from 2001:db8:1::11 2001:db8:1::1 22 23 443 8080
	udp_from 2001:db8:1::11 2001:db8:1::1 1900 2 0.1
	capture_end http6.pcap
}

# ---- icmp.pcap: a router between the clients and a far network ------------------------------------------------------------
record_icmp() {
	ip netns add "$far"
	ip -n "$far" link set lo up
	ip link add far0 netns "$server" address 02:00:00:00:03:01 type veth peer name far0 netns "$far" address 02:00:00:00:03:02
	for space in "$server" "$far"; do
		on "$space" sysctl -qw net.ipv6.conf.far0.accept_ra=0 net.ipv6.conf.far0.router_solicitations=0
		offloads_off "$space" far0
		ip -n "$space" link set far0 mtu 1400 up
	done
	on "$server" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	# In these namespaces only: no limit on errors, and nobody waits 30 s for a missing fragment.
	for space in "$server" "$far"; do
		on "$space" sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 net.ipv4.ipfrag_time=1 net.ipv6.ip6frag_time=1
	done
	ip -n "$server" address add 203.0.113.129/26 dev far0
	ip -n "$server" address add 2001:db8:3::1/64 dev far0 nodad
	ip -n "$far" address add 203.0.113.130/26 dev far0
	ip -n "$far" address add 2001:db8:3::2/64 dev far0 nodad
	ip -n "$far" route add default via 203.0.113.129
	ip -n "$far" route add default via 2001:db8:3::1
	ip -n "$server" route add prohibit 203.0.113.192/27
	ip -n "$server" route add unreachable 203.0.113.224/28
	ip -n "$server" route add prohibit 2001:db8:4::/48
	ip -n "$server" route add unreachable 2001:db8:5::/48
	ip -n "$client" route add default via 192.0.2.1
	ip -n "$client" route add default via 2001:db8:1::1

	capture icmp.pcap -P -i web0
	local address
	for address in 192.0.2.1 203.0.113.130; do ping_from 192.0.2.10 $address 4; done
	for address in 2001:db8:1::1 2001:db8:3::2; do ping_from 2001:db8:1::10 $address 4; done
	ping_from 198.51.100.66 192.0.2.1 2 # from the denied networks
	ping_from 2001:db8:bad0::66 2001:db8:1::1 2
	# Prohibited, unreachable, no route to it, nobody there.
	for address in 203.0.113.193 203.0.113.225 192.88.99.1 203.0.113.140; do ping_from 192.0.2.10 $address 2; done
	for address in 2001:db8:4::1 2001:db8:5::1 2001:db8:6000::1 2001:db8:3::77; do ping_from 2001:db8:1::10 $address 2; done
	sleep 4
	udp_from 192.0.2.10 203.0.113.130 9 3 0.1 # port unreachable
	udp_from 2001:db8:1::10 2001:db8:3::2 9 3 0.1
	on "$client" python3 - <<'PYTHON'
import socket, struct, time
def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16: total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
def echo(v6, size):
    body = struct.pack('!HH', 77, 1) + bytes(size)
    return struct.pack('!BBH', 128, 0, 0) + body if v6 else struct.pack('!BBH', 8, 0, checksum(struct.pack('!BBH', 8, 0, 0) + body)) + body
near = {False: '192.0.2.1', True: '2001:db8:1::1'}
behind = {False: '203.0.113.130', True: '2001:db8:3::2'}
for v6 in (False, True):
    family = socket.AF_INET6 if v6 else socket.AF_INET
    source = ('2001:db8:1::10' if v6 else '192.0.2.10', 0)
    hops = (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS) if v6 else (socket.IPPROTO_IP, socket.IP_TTL)
    icmp = socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP
    raw = socket.socket(family, socket.SOCK_RAW, icmp); raw.bind(source)
    udp = socket.socket(family, socket.SOCK_DGRAM); udp.bind((source[0], 40100))
    tcp = socket.socket(family, socket.SOCK_STREAM); tcp.bind((source[0], 40101))
    # Out of hops on the way: as traceroute does it, by echo, datagram and connection.
    raw.setsockopt(*hops, 1); raw.sendto(echo(v6, 56), (behind[v6], 0)); raw.setsockopt(*hops, 64)
    for number in range(1, 3):
        udp.setsockopt(*hops, number); udp.sendto(b'trace', (behind[v6], 33434 + number)); time.sleep(0.1)
    tcp.settimeout(0.3); tcp.setsockopt(*hops, 1)
    try: tcp.connect((behind[v6], 80))
    except OSError: pass
    tcp.close()
    # Too big for the far link, may not be fragmented (IPv4: don't fragment); then a connection learns of it.
    udp2 = socket.socket(family, socket.SOCK_DGRAM); udp2.bind((source[0], 40102))
    udp2.setsockopt(*((socket.IPPROTO_IPV6, 23, 3) if v6 else (socket.IPPROTO_IP, 10, 3)))
    udp2.sendto(bytes(1450), (behind[v6], 9)); time.sleep(0.1)
    # Large ones in fragments, answered in fragments.
    raw.sendto(echo(v6, 4000), (near[v6], 0)); time.sleep(0.2)
    # A protocol that nobody there speaks.
    strange = socket.socket(family, socket.SOCK_RAW, 253); strange.bind(source)
    strange.sendto(b'skep', (near[v6], 0)); time.sleep(0.1)
    if not v6:
        # What time is it? Timestamp request.
        head = struct.pack('!BBHHHIII', 13, 0, 0, 78, 1, 1000, 0, 0)
        raw.sendto(head[:2] + struct.pack('!H', checksum(head)) + head[4:], (near[v6], 0))
        # A first fragment and no more of it.
        own = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW); own.bind(source)
        head = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 0, 0x7777, 0x2000, 64, 1, 0, socket.inet_aton(source[0]), socket.inet_aton(near[v6]))
        own.sendto(head + echo(v6, 56), (near[v6], 0))
    else:
        own = socket.socket(family, socket.SOCK_RAW, 44); own.bind(source)
        # The same; then one whose length is no multiple of 8, which is an error at once.
        for number, size in ((0x7777, 56), (0x7778, 57)):
            own.sendto(struct.pack('!BBHI', 58, 0, 1, number) + echo(v6, size), (near[v6], 0))
    time.sleep(2.5)
PYTHON
	capture_end icmp.pcap
}

# ---- udp-flows.pcap: 10,000 flows of one datagram --------------------------------------------------------------------------
record_udp_flows() {
	ip -n "$server" address add 198.51.100.10/32 dev lo
	ip -n "$server" address add 2001:db8:ff::10/128 dev lo nodad
	ip -n "$client" address del 198.51.100.10/32 dev web0
	ip -n "$client" route add 198.51.100.10/32 via 192.0.2.1
	ip -n "$client" route add 2001:db8:ff::10/128 via 2001:db8:1::1
	for number in $(seq 10 209); do
		echo "address replace 192.0.2.$number/24 dev web0"
		printf 'address replace 2001:db8:1::%x/48 dev web0 nodad\n' "$number"
	done | ip -n "$client" -batch -
	ip netns exec "$server" python3 - <<'PYTHON' &
import socket, time
sinks = [socket.socket(family, socket.SOCK_DGRAM) for family in (socket.AF_INET, socket.AF_INET6)]
sinks[0].bind(('198.51.100.10', 53))
sinks[1].bind(('2001:db8:ff::10', 53))
time.sleep(60)
PYTHON
	pids+=($!)
	sleep 0.5
	capture udp-flows.pcap -P -i web0
	on "$client" python3 - <<'PYTHON'
import random, socket, time
chance = random.Random(7)
flows = set()
while len(flows) < 10000:
    v6 = len(flows) % 10 >= 7
    host = 10 + chance.randrange(200)
    flows.add((f'2001:db8:1::{host:x}' if v6 else f'192.0.2.{host}', chance.randrange(1024, 65536)))
for number, (source, port) in enumerate(sorted(flows, key=lambda _: chance.random())):
    v6 = ':' in source
    s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((source, port))
    s.sendto(b'skep %05d' % number, ('2001:db8:ff::10' if v6 else '198.51.100.10', 53))
    s.close()
    if number % 20 == 0: time.sleep(0.002)
PYTHON
	capture_end udp-flows.pcap
	ip -n "$client" address add 198.51.100.10/32 dev web0
}

# ---- long-lived.pcap -----------------------------------------------------------------------------------------------------
record_long_lived() {
	# TCP's own timestamps would contradict the longer pauses.
	for space in "$server" "$client"; do on "$space" sysctl -qw net.ipv4.tcp_timestamps=0; done
	ip -n "$client" address replace 192.0.2.12/24 dev web0
	ip netns exec "$server" python3 - <<'PYTHON' &
import socket, threading, time
def keep(s, idle, interval, count):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in ((socket.TCP_KEEPIDLE, idle), (socket.TCP_KEEPINTVL, interval), (socket.TCP_KEEPCNT, count)):
        s.setsockopt(socket.IPPROTO_TCP, option, value)
def serve(s):
    try:
        while data := s.recv(4096):
            words = data.split()
            if words[0] == b'keep': keep(s, 1, 1, 3)
            if words[0] == b'tick':
                for number in range(12): s.sendall(b'tick %d\n' % number); time.sleep(1)
            else: s.sendall(b'heard: ' + data)
            if words[0] == b'half':
                time.sleep(4); s.sendall(b'here is what you waited for\n'); time.sleep(1); break
    except OSError: pass
    s.close()
listener = socket.create_server(('::', 7000), family=socket.AF_INET6, dualstack_ipv6=True)
while True: threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
PYTHON
	pids+=($!)
	sleep 1
	capture long-lived.pcap -P -i web0
	(sleep 1.2 && ip -n "$client" address del 192.0.2.12/24 dev web0) &
	on "$client" python3 - <<'PYTHON'
import socket, struct, threading, time
def connect(source):
    v6 = ':' in source
    s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_STREAM)
    s.bind((source, 0)); s.connect(('2001:db8:1::1' if v6 else '192.0.2.1', 7000))
    return s
def say(s, text):
    s.sendall(text.encode() + b'\n'); s.recv(4096)
def keeps_alive():  # probes from the client, answered
    s = connect('192.0.2.10'); s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1)): s.setsockopt(socket.IPPROTO_TCP, option, value)
    say(s, 'hello'); time.sleep(9.5); say(s, 'still here'); s.close()
def silent():  # nothing for hours, then data: whoever forgot the connection is in trouble
    s = connect('192.0.2.11'); say(s, 'hello'); time.sleep(12.5); say(s, 'after a long silence'); s.close()
def pauses():
    s = connect('192.0.2.10')
    for pause in (0.5, 2, 5): say(s, 'and then'); time.sleep(pause)
    s.close()
def kept_by_server():  # probes from the server; ends with a reset
    s = connect('2001:db8:1::10'); say(s, 'keep me'); time.sleep(6.5)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)); s.close()
def vanishes():  # probes from the server that nobody answers
    s = connect('192.0.2.12'); say(s, 'keep me, I shall be gone'); time.sleep(8)
def ticks():
    s = connect('2001:db8:1::10'); s.sendall(b'tick\n')
    for _ in range(12): s.recv(4096)
    s.close()
def half_closed():
    s = connect('192.0.2.11'); s.sendall(b'half\n'); s.shutdown(socket.SHUT_WR)
    while s.recv(4096): pass
    s.close()
def early_reset():  # open for long, and reset by data for a closed socket
    s = connect('192.0.2.11'); s.sendall(b'tick\n'); s.recv(4096); time.sleep(2.5); s.close()
threads = [threading.Thread(target=each) for each in (keeps_alive, silent, pauses, kept_by_server, vanishes, ticks, half_closed, early_reset)]
for thread in threads: thread.start(); time.sleep(0.02)
for thread in threads: thread.join()
last = connect('192.0.2.10'); say(last, 'a late one'); time.sleep(1.6); last.close()
PYTHON
	capture_end long-lived.pcap
	for space in "$server" "$client"; do on "$space" sysctl -qw net.ipv4.tcp_timestamps=1; done
	# Nobody wants to wait for hours: each pause of more than 0.2 s becomes 720 times as long, 1 s is 12 minutes.
	python3 - "$here/long-lived.pcap" <<'PYTHON'
import struct, sys
data = bytearray(open(sys.argv[1], 'rb').read())
at, before, now = 24, None, None
while at < len(data):
    sec, us, size = struct.unpack_from('<III', data, at)
    moment = sec * 1000000 + us
    if before is None: now = moment
    else: now += (moment - before) * (720 if moment - before > 200000 else 1)
    before = moment
    struct.pack_into('<II', data, at, now // 1000000, now % 1000000)
    at += 16 + size
open(sys.argv[1], 'wb').write(data)
PYTHON
}
for name in "${names[@]}"; do "record_${name//-/_}"; done
