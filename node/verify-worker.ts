/** One worker of `verify-pool.ts`: loads objects when they are first asked for, and answers program by program. */
import { parentPort, workerData } from 'node:worker_threads';
import { must } from '../vm/errors.js';
import { loadObject } from '../vm/loader/load-object.js';
import type { ObjectSpec } from '../vm/object/object-spec.js';
import { verifyTimed } from './verify-timed.js';
import type { PoolInput, PoolTask } from './verify-pool.js';

const { objects, options } = workerData as PoolInput;
const loaded = new Map<number, ObjectSpec>();
const port = must(parentPort, 'a port to the main thread');

port.on('message', ({ object: index, prog }: PoolTask) => {
  let object = loaded.get(index);
  if (object === undefined) {
    const { bytes, load } = must(objects[index], 'an object');
    object = loadObject(bytes, load);
    loaded.set(index, object);
  }
  port.postMessage(verifyTimed(object, prog, options));
});
