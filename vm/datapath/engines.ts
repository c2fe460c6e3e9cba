/** The engines by name. */
import type { Engine } from '../engine/engine.js';
import { interp } from '../engine/interp/interp.js';
import { tiered } from '../engine/tiered.js';
import { mustCompile } from '../engine/wasm/compile-module.js';
import { wasm } from '../engine/wasm/wasm.js';

export type EngineName = Engine['name'];

export const ENGINES: Readonly<Record<EngineName, Engine>> = { interp, wasm };

/** `wasm`, for programs of which nobody knows how often they run. */
export const TIERED: Engine = tiered({ cold: interp, hot: wasm, check: mustCompile });
