/** The compiling engine keeps the contract, whatever is checked. */
import { wasm } from '../../vm/engine/wasm/wasm.js';
import { runEngineContract } from './engine.js';

runEngineContract({ engine: wasm, steps: false, skip: [] });
