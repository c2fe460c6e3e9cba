/**
 * The shape of a helper's row. One row gives the import signature of the wasm engine, the widening of r0, the runtime
 * check of memory arguments and the verifier's prototype. Data only.
 */

/**
 * What an argument is. Everything takes one 32-bit word except `u64`, which takes two (low, high).
 * - `u32`, `u64`: any scalar
 * - `ctx`: the program's context
 * - `map`: a map; `key`, `value`: readable memory of that map's key or value size; `out-value`: writable, value size
 * - `mem:r`, `mem:w`, `mem:rw`: memory whose length is the next argument, a `size` (at least 1) or `size0` (may be 0);
 *   with `?` the pointer may be NULL
 * - `mem:w4`, `mem:w8`, `mem:r4`, ...: memory of that many bytes
 * - `alloc-size`: constant size of what is returned
 * - `record`: memory returned by a reserving helper
 * - `func`: a callback; `ptr`: a pointer (or NULL) that the helper only passes on
 * - `const-str`: a NUL-terminated string in a read-only map
 * - `sock`, `sock-common`: a socket pointer, full or perhaps not; with `?` it may be NULL
 * - `value?`: like `value`, or NULL
 * - `spin-lock`, `timer`, `dynptr`, `iter`: the object in a map value or on the stack; with `:new` room for one that the call
 *   makes
 * - `buffer?`: memory that is filled, whose length is the next argument, or NULL whatever that says
 */
export type ArgKind =
  | 'u32'
  | 'u64'
  | 'ctx'
  | 'map'
  | 'key'
  | 'value'
  | 'out-value'
  | 'mem:r'
  | 'mem:w'
  | 'mem:rw'
  | 'mem?:r'
  | 'mem?:w'
  | `mem:${'r' | 'w' | 'rw'}${number}`
  | 'size'
  | 'size0'
  | 'alloc-size'
  | 'record'
  | 'func'
  | 'ptr'
  | 'const-str'
  | 'sock'
  | 'sock-common'
  | 'sock-common?'
  | 'value?'
  | 'spin-lock'
  | 'timer'
  | 'dynptr'
  | 'dynptr:new'
  | 'iter'
  | 'iter:new'
  | 'buffer?';

/**
 * What r0 holds afterwards.
 * - `int`: the returned int32, sign-extended; `u32`: zero-extended
 * - `u64`: low word returned, high word in the machine's `retHi` cell
 * - `map-value?`, `mem?`, `sock?`, `sock-common?`, `tcp-sock?`: a pointer or NULL
 * - `map-value`: a pointer
 * - `void`: r0 becomes 0
 */
export type RetKind =
  'void' | 'int' | 'u32' | 'u64' | 'map-value?' | 'mem?' | 'sock?' | 'sock-common?' | 'tcp-sock?' | 'map-value';

/** What a call needs to know of what it calls, be it a helper or a kfunc. */
export type CallRow = Pick<HelperRow, 'args' | 'ret'>;

export interface HelperRow<N extends string = string> {
  /** Number in `call N`. */
  readonly id: number;
  /** Without the `bpf_` prefix. */
  readonly name: N;
  /** Empty for an unsupported row. */
  readonly args: readonly ArgKind[];
  readonly ret: RetKind;
  /** Needs a GPL-compatible license section. */
  readonly gplOnly?: true;
  /** May move or resize the packet: packet pointers that were derived before are invalid. */
  readonly movesPacket?: true;
  /** Calls back into the program; the engine drives it (`begin`/`next`). */
  readonly callsBack?: true;
  /** Set until both engines can run it. */
  readonly unsupported?: true;
}
