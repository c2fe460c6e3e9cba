/** The reference engine keeps the contract, whatever is checked. */
import { interp } from '../../vm/engine/interp/interp.js';
import { runEngineContract } from './engine.js';

runEngineContract({ engine: interp, steps: true, skip: [] });
