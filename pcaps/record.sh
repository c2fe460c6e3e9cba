#!/bin/bash
# Records http.pcap and dns.pcapng anew: real programs talking between network namespaces of one machine.
#
# Needs root, Linux, and: ip (iproute2), dumpcap, nginx, curl, dnsmasq, dig, python3. Everything it makes, namespaces,
# servers and temporary files, is gone when it ends. Two recordings are never the same, so expectations that name
# packets of these captures have to be recorded anew as well (BLESS=1 npm test).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
server=skep-server-$$
client=skep-client-$$
pids=()

clean_up() {
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
	wait 2>/dev/null || true
	ip netns delete "$client" 2>/dev/null || true
	ip netns delete "$server" 2>/dev/null || true
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

# ---- http.pcap --------------------------------------------------------------------------------------------------------
mkdir "$work/www"
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

# ---- dns.pcapng: two interfaces -----------------------------------------------------------------------------------------
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
