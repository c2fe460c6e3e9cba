/** The engines by name. */
import type { Engine } from '../engine/engine.js';
import { interp } from '../engine/interp/interp.js';
import { wasm } from '../engine/wasm/wasm.js';

export type EngineName = Engine['name'];

export const ENGINES: Readonly<Record<EngineName, Engine>> = { interp, wasm };
