/**
 * Flow dissectors: they fill struct bpf_flow_keys for whoever wants to know the flow. The data begin with the Ethernet header,
 * and the network header follows it, as in BPF_PROG_TEST_RUN.
 */
import type { Ptr } from '../addr.js';
import type { Memory } from '../memory/memory.js';
import { READ_WRITE } from '../memory/shadow.js';
import { ETH_HEADER_BYTES } from '../packet/ether-type.js';
import { CTX_LAYOUTS } from '../spec/ctx.js';
import type { HookEnv, HookKind } from './hook.js';

const BPF_DROP = 2;

/** Where the keys lie, from the start of the ctx. */
const KEYS_OFF = 512;
const CTX_FLOW_KEYS = 144;

const off = { nhoff: 0, thoff: 2, nProto: 10, flags: 48 } as const;

/** The keys, before the run or after it. */
export function flowKeysAt(ctx: Ptr): Ptr {
  return ctx + KEYS_OFF;
}

/** @param flags BPF_FLOW_DISSECTOR_F_... */
export function beginFlowKeys({ memory, shadow, ctx, skb }: HookEnv, flags: number): void {
  const at = flowKeysAt(ctx);
  const { bytes } = CTX_LAYOUTS.bpf_flow_keys;
  memory.u8.fill(0, at, at + bytes);
  memory.view.setUint16(at + off.nhoff, ETH_HEADER_BYTES, true);
  memory.view.setUint16(at + off.thoff, ETH_HEADER_BYTES, true);
  const protocol =
    skb.lengthBytes < ETH_HEADER_BYTES ? 0 : memory.view.getUint16(skb.data + ETH_HEADER_BYTES - 2, true);
  memory.view.setUint16(at + off.nProto, protocol, true);
  memory.setWord(at + off.flags, flags);
  shadow.mark(at, bytes, READ_WRITE);
  memory.setWord(ctx + CTX_FLOW_KEYS, at);
}

/** Offsets that lead out of the packet are moved to its ends (bpf_flow_dissect). */
export function settleFlowKeys({ view }: Memory, ctx: Ptr, packetBytes: number): void {
  const at = flowKeysAt(ctx);
  const clamp = (value: number, least: number): number => Math.max(Math.min(value, packetBytes & 0xffff), least);
  const nhoff = clamp(view.getUint16(at + off.nhoff, true), ETH_HEADER_BYTES);
  view.setUint16(at + off.nhoff, nhoff, true);
  view.setUint16(at + off.thoff, clamp(view.getUint16(at + off.thoff, true), nhoff), true);
}

export const flowDissectorHook: HookKind = {
  type: 'flow_dissector',
  packet: 'skb',
  begins: 'mac',
  ctx: '__sk_buff',
  trapVerdict: BPF_DROP,
  fill(env) {
    beginFlowKeys(env, 0);
  },
  settle({ memory, ctx, skb }) {
    settleFlowKeys(memory, ctx, skb.lengthBytes);
  },
};
