/**
 * One object's mutable run state: memory, maps, world, packet. Everything a run changes is here, so two machines never
 * share anything and a checkpoint is a copy. Knows no engine.
 */
import type { Ptr } from '../addr.js';
import type { Hook, HookEnv, HookInput } from '../hooks/hook.js';
import { cells, MAX_FRAMES } from '../memory/cells.js';
import { Memory } from '../memory/memory.js';
import { NO_ACCESS, READ, READ_WRITE, Shadow } from '../memory/shadow.js';
import type { ObjectSpec } from '../object/object-spec.js';
import { ByteBuff } from '../packet/byte-buff.js';
import type { PacketBuff } from '../packet/packet-buff.js';
import { SkBuff } from '../packet/sk-buff.js';
import { XdpBuff } from '../packet/xdp-buff.js';
import type { SavedEffects } from '../world/effects.js';
import { World } from '../world/world.js';
import type { WorldOptions } from '../world/world.js';
import { STACK_BYTES } from './layout.js';
import type { Layout } from './layout.js';
import { MapTable } from './map-table.js';
import { Timers } from './timers.js';
import type { SavedTimers } from './timers.js';

const CHECKPOINT_PAGE_BYTES = 4096;

/** Copies of the pages that are not zero, by page number, and what waits to be taken by the outside. */
export interface Checkpoint {
  readonly pages: ReadonlyMap<number, Uint8Array>;
  readonly effects: SavedEffects;
  readonly timers: SavedTimers;
  readonly hook: Hook | undefined;
}

export class Machine {
  readonly object: ObjectSpec;
  readonly layout: Layout;
  readonly memory: Memory;
  readonly shadow: Shadow;
  readonly world: World;
  readonly maps: MapTable;
  readonly timers: Timers;
  readonly xdp: XdpBuff;
  readonly skb: SkBuff;
  readonly bytes: ByteBuff;
  #hook: Hook | undefined;
  #env: HookEnv | undefined;

  /** @throws LoadError `load-memory` where the host cannot reserve the memory */
  constructor(object: ObjectSpec, layout: Layout, options: WorldOptions = {}) {
    this.object = object;
    this.layout = layout;
    this.memory = new Memory(layout.memoryBytes);
    this.shadow = new Shadow(this.memory, layout.shadowDelta);
    this.world = new World(
      { memory: this.memory, shadow: this.shadow, sockets: layout.sockets },
      { ...options, cpus: layout.cpus },
    );
    this.maps = new MapTable(object, layout, {
      memory: this.memory,
      shadow: this.shadow,
      cpus: layout.cpus,
      sockets: this.world.sockets,
      cgroups: this.world.network.cgroups,
      emit: (event) => {
        this.world.effects.emit(event);
      },
      freeTimer: (at) => {
        this.timers.free(at);
      },
    });
    this.timers = new Timers(this.memory, this.maps, layout.callbackKey);
    this.xdp = new XdpBuff(this.memory, this.shadow, layout.packets, layout.ctx);
    this.skb = new SkBuff(this.memory, this.shadow, layout.packets, layout.ctx);
    this.bytes = new ByteBuff(this.memory, this.shadow, layout.packets, layout.ctx);
    for (let depth = 0; depth < MAX_FRAMES; depth++) {
      this.shadow.mark(layout.stack + depth * layout.frameStride, STACK_BYTES, READ_WRITE);
    }
    this.shadow.mark(layout.callbackKey, 64, READ);
    // The first member of a map as the kernel keeps it, a pointer to its operations, may be read.
    for (const { descriptor } of layout.maps) this.shadow.mark(descriptor, 8, READ);
  }

  /** What the machine was last made one of. */
  get hook(): Hook | undefined {
    return this.#hook;
  }

  /** The packet in the form that the program on the hook has it; XDP's where there is no hook. */
  get packet(): PacketBuff {
    switch (this.#hook?.packet) {
      case 'skb':
        return this.skb;
      case 'bytes':
        return this.bytes;
      default:
        return this.xdp;
    }
  }

  /** Makes the machine one of this hook: its kind of packet, and its rights to the ctx. */
  enter(hook: Hook): void {
    if (this.#hook === hook) return;
    this.#use(hook);
    const { layout, shadow } = this;
    this.memory.setWord(
      cells.ctxSpecial,
      hook.special.reduce((bits, { off }) => bits | (1 << (off >> 2)), 0),
    );
    shadow.mark(layout.ctx, layout.ctxBytes, NO_ACCESS);
    for (const [off, bytes] of hook.readable) shadow.mark(layout.ctx + off, bytes, READ);
    for (const [off, bytes] of hook.writable) shadow.mark(layout.ctx + off, bytes, READ_WRITE);
  }

  #use(hook: Hook | undefined): void {
    this.#hook = hook;
    this.skb.begins = hook?.begins ?? 'mac';
    this.bytes.ctxBytes = hook?.ctxBytes ?? 0;
    this.bytes.pointers = hook?.data;
    const { memory, shadow, layout, xdp, skb, bytes, world } = this;
    const { ctx, ctxBytes: ctxRoomBytes } = layout;
    this.#env = hook === undefined ? undefined : { hook, memory, shadow, ctx, ctxRoomBytes, xdp, skb, bytes, world };
  }

  /** What the hook that was entered fills ctxs with; undefined before any was. */
  get hookEnv(): HookEnv | undefined {
    return this.#env;
  }

  /** Forgets what the last event left behind: sockets that were chosen or held, verdicts of messages. */
  beginEvent(): void {
    const { memory, world } = this;
    memory.setWord(cells.redirectKind, 0);
    memory.setWord(cells.contextSock, 0);
    memory.setWord(cells.chosenSock, 0);
    memory.setWord(cells.chosenFlags, 0);
    memory.setWord(cells.retval, 0);
    memory.setWord(cells.msgApply, 0);
    memory.setWord(cells.msgCork, 0);
    memory.setWord(cells.hdrOptBytes, 0);
    memory.setWord(cells.attachedCgroup, 0);
    world.sockets.forgetHeld();
  }

  /**
   * Fills the ctx of an event whose data have been received.
   * @throws ConfigError `config-value` where the input does not fit the hook
   */
  fillCtx(input: HookInput): void {
    if (this.#env === undefined) return;
    if (input.retval !== undefined) this.memory.setWord(cells.retval, input.retval);
    if (input.cgroup !== undefined) {
      const { index } = this.world.network.cgroups.mustHave(input.cgroup, 'cgroups');
      this.memory.setWord(cells.attachedCgroup, index);
    }
    this.#hook?.fill?.(this.#env, input);
  }

  /** Takes over what the program left in the ctx. */
  settleCtx(): void {
    if (this.#env !== undefined) this.#hook?.settle?.(this.#env);
  }

  /**
   * A 4-byte store that the shadow refuses, by a register (64 bits of it) or an immediate: done with its behaviour where
   * it goes to such a field of the ctx, else false.
   */
  storeCtx(at: Ptr, lo: number, hi: number, immediate: boolean): boolean {
    const off = at - this.layout.ctx;
    const field = this.#hook?.special.find((each) => each.off === off);
    if (field === undefined) return false;
    // Linux compares the whole register, but an immediate as int32.
    const isLarge = immediate ? lo >= 0xffff : hi !== 0 || lo >>> 0 >= 0xffff;
    if (!field.ignoresFromFfff || !isLarge) this.memory.setWord(at, lo & 0xffff);
    return true;
  }

  /** Instructions that a run may execute where fuel is checked. */
  setFuel(insns: number): void {
    this.memory.setWord(cells.fuel, insns);
    this.memory.setWord(cells.fuel + 4, Math.floor(insns / 2 ** 32));
  }

  /** r10 of the frame at a call depth, 0 for the main program. */
  framePointer(depth: number): Ptr {
    return this.layout.stack + depth * this.layout.frameStride + STACK_BYTES;
  }

  /** Copies what differs from zero; costs a scan of the guest memory in use. */
  save(): Checkpoint {
    const pages = new Map<number, Uint8Array>();
    for (const [from, to] of this.#extents()) {
      for (let at = from; at < to; at += CHECKPOINT_PAGE_BYTES) {
        if (!this.#isZero(at)) pages.set(at / CHECKPOINT_PAGE_BYTES, this.memory.read(at, CHECKPOINT_PAGE_BYTES));
      }
    }
    return { pages, effects: this.world.effects.save(), timers: this.timers.save(), hook: this.#hook };
  }

  /** Goes back to a checkpoint of this machine. */
  restore(checkpoint: Checkpoint): void {
    this.world.effects.restore(checkpoint.effects);
    this.timers.restore(checkpoint.timers);
    this.#use(checkpoint.hook);
    for (const [from, to] of this.#extents()) {
      for (let at = from; at < to; at += CHECKPOINT_PAGE_BYTES) {
        const page = checkpoint.pages.get(at / CHECKPOINT_PAGE_BYTES);
        if (page !== undefined) this.memory.write(at, page);
        else if (!this.#isZero(at)) this.memory.u8.fill(0, at, at + CHECKPOINT_PAGE_BYTES);
      }
    }
  }

  /** Guest memory in use, and its shadow, in whole pages. */
  #extents(): readonly (readonly [number, number])[] {
    const end = Math.ceil(this.layout.end / CHECKPOINT_PAGE_BYTES) * CHECKPOINT_PAGE_BYTES;
    const guest = [0, end] as const;
    const { shadowDelta } = this.layout;
    return shadowDelta === 0 ? [guest] : [guest, [shadowDelta, shadowDelta + end]];
  }

  #isZero(at: Ptr): boolean {
    const { u32 } = this.memory;
    for (let i = at >>> 2, end = i + CHECKPOINT_PAGE_BYTES / 4; i < end; i++) if (u32[i] !== 0) return false;
    return true;
  }
}
