/** Helpers between programs and maps of sockets: put the event's socket in, send what came to one of them, choose one. */
import type { Machine } from '../machine/machine.js';
import { cells } from '../memory/cells.js';
import { errno } from '../spec/errno.js';
import type { HelperName } from '../spec/helpers.js';
import { REDIRECT_FLAGS } from '../spec/redirect.js';
import { IPPROTO_TCP, TCP_STATES } from '../world/sockets.js';
import type { Socket } from '../world/sockets.js';
import type { PlainHelper } from './helper.js';

const SK_DROP = 0;
const SK_PASS = 1;

/** struct bpf_sock_ops.op, and the events whose socket may go into a map. */
const OP_OFF = 0;
const ACTIVE_ESTABLISHED_CB = 4;
const PASSIVE_ESTABLISHED_CB = 5;
const TCP_LISTEN_CB = 11;
const MAY_UPDATE: readonly number[] = [ACTIVE_ESTABLISHED_CB, PASSIVE_ESTABLISHED_CB, TCP_LISTEN_CB];

function update(name: HelperName): PlainHelper {
  return {
    name,
    bind:
      ({ memory, maps, layout }) =>
      (_ctx = 0, map = 0, key = 0, flagsLo = 0, flagsHi = 0) => {
        if (!MAY_UPDATE.includes(memory.word(layout.ctx + OP_OFF))) return -errno.EOPNOTSUPP;
        const flags = flagsHi === 0 ? flagsLo >>> 0 : 0xffff_ffff;
        return maps.socketMap(map).setSocket(key, memory.word(cells.contextSock), flags);
      },
  };
}

export const sockMapUpdate = update('sock_map_update');
export const sockHashUpdate = update('sock_hash_update');

/** Whether what comes can be handed to it: it has a peer. */
function takesData({ protocol, state }: Socket): boolean {
  return protocol === IPPROTO_TCP ? state !== TCP_STATES.listen : state === TCP_STATES.established;
}

function redirectTo({ memory, world }: Machine, sock: number, lo: number, hi: number, isMessage: boolean): number {
  if (hi !== 0 || (lo & ~REDIRECT_FLAGS.ingress) !== 0) return SK_DROP;
  const socket = world.sockets.at(sock);
  if (sock === 0 || socket === undefined || !takesData(socket)) return SK_DROP;
  // What is sent on has to go through TCP.
  if (isMessage && (lo & REDIRECT_FLAGS.ingress) === 0 && socket.protocol !== IPPROTO_TCP) return SK_DROP;
  memory.setWord(cells.chosenSock, sock);
  memory.setWord(cells.chosenFlags, lo);
  return SK_PASS;
}

/** The map by index: the key is a number. */
function redirectByIndex(name: HelperName, isMessage: boolean): PlainHelper {
  return {
    name,
    bind:
      (machine) =>
      (_ctx = 0, map = 0, index = 0, flagsLo = 0, flagsHi = 0) => {
        const { memory, maps, layout } = machine;
        memory.setWord(layout.scratch, index);
        return redirectTo(machine, maps.socketMap(map).socketAt(layout.scratch), flagsLo, flagsHi, isMessage);
      },
  };
}

function redirectByKey(name: HelperName, isMessage: boolean): PlainHelper {
  return {
    name,
    bind:
      (machine) =>
      (_ctx = 0, map = 0, key = 0, flagsLo = 0, flagsHi = 0) =>
        redirectTo(machine, machine.maps.socketMap(map).socketAt(key), flagsLo, flagsHi, isMessage),
  };
}

export const skRedirectMap = redirectByIndex('sk_redirect_map', false);
export const skRedirectHash = redirectByKey('sk_redirect_hash', false);
export const msgRedirectMap = redirectByIndex('msg_redirect_map', true);
export const msgRedirectHash = redirectByKey('msg_redirect_hash', true);

/** Chooses among sockets that share the address that the packet came to. */
export const skSelectReuseport: PlainHelper = {
  name: 'sk_select_reuseport',
  bind:
    ({ memory, maps, world }) =>
    (_ctx = 0, map = 0, key = 0, flagsLo = 0, flagsHi = 0) => {
      if ((flagsLo | flagsHi) !== 0) return -errno.EINVAL;
      const sock = maps.socketMap(map).socketAt(key);
      const chosen = world.sockets.at(sock);
      if (sock === 0 || chosen === undefined) return -errno.ENOENT;
      if (!chosen.reuseport) return -errno.EINVAL;
      const own = world.sockets.at(memory.word(cells.contextSock));
      if (own !== undefined && !isSameGroup(own, chosen)) {
        if (own.protocol !== chosen.protocol) return -errno.EPROTOTYPE;
        return own.family === chosen.family ? -errno.EBADFD : -errno.EAFNOSUPPORT;
      }
      memory.setWord(cells.chosenSock, sock);
      return 0;
    },
};

function isSameGroup(one: Socket, other: Socket): boolean {
  const sameIp = one.local.ip.every((byte, index) => byte === other.local.ip[index]);
  return (
    one.protocol === other.protocol && one.family === other.family && one.local.port === other.local.port && sameIp
  );
}
