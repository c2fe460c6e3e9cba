/**
 * Verifies many programs, in this thread or in several. The largest go first, so that no thread is left alone with one at
 * the end. Knows no rendering.
 */
import { Worker } from 'node:worker_threads';
import { InvariantError, must } from '../vm/errors.js';
import type { LoadOptions } from '../vm/loader/load-object.js';
import { describeObject } from '../vm/object/describe.js';
import type { ObjectSpec, ProgId, ProgramSpec } from '../vm/object/object-spec.js';
import type { VerifyOptions } from '../vm/verifier/verdict.js';
import { verifyTimed } from './verify-timed.js';
import type { TimedVerdict } from './verify-timed.js';

/** An object's bytes, and how they are loaded. */
export interface PoolObject {
  readonly bytes: Uint8Array;
  readonly load: LoadOptions;
  readonly spec: ObjectSpec;
}

export interface PoolInput {
  readonly objects: readonly Omit<PoolObject, 'spec'>[];
  readonly options: VerifyOptions;
}

export interface PoolTask {
  /** Index of the object. */
  readonly object: number;
  readonly prog: ProgId;
}

/** A program with what became of it. */
export interface VerifiedTask extends TimedVerdict {
  /** The object's name. */
  readonly file: string;
  readonly program: ProgramSpec;
  /** Instruction slots, those of all its functions. */
  readonly slots: number;
}

/**
 * Verifies the programs of objects, in their order.
 * @param wants which programs; those that a loader leaves out unless it is asked for are never asked about
 * @param jobs most threads; with 1 everything is done in this one
 */
export async function verifyObjects(
  objects: readonly PoolObject[],
  wants: (file: string, program: ProgramSpec) => boolean,
  options: VerifyOptions,
  jobs: number,
): Promise<VerifiedTask[]> {
  const found = objects.flatMap(({ spec }, object) => {
    const slots = describeObject(spec).programs.map((program) => program.slots);
    return spec.programs.flatMap((program, prog) =>
      program.autoload === false || !wants(spec.name, program)
        ? []
        : [{ object, prog, file: spec.name, program, slots: slots[prog] ?? 0 }],
    );
  });
  const verdicts = await verifyTasks(objects, found, options, jobs);
  return found.map(({ file, program, slots }, index) => ({
    file,
    program,
    slots,
    ...must(verdicts[index], 'a verdict'),
  }));
}

async function verifyTasks(
  objects: readonly PoolObject[],
  tasks: readonly SizedTask[],
  options: VerifyOptions,
  jobs: number,
): Promise<TimedVerdict[]> {
  const threads = Math.min(jobs, tasks.length);
  if (threads <= 1) {
    return tasks.map(({ object, prog }) => verifyTimed(must(objects[object], 'an object').spec, prog, options));
  }
  const input: PoolInput = { objects: objects.map(({ bytes, load }) => ({ bytes, load })), options };
  const verdicts: TimedVerdict[] = [];
  const waiting = tasks.map((task, index) => ({ task, index })).sort((a, b) => a.task.slots - b.task.slots);
  await Promise.all(Array.from({ length: threads }, () => work(input, waiting, verdicts)));
  return verdicts;
}

interface SizedTask extends PoolTask {
  readonly slots: number;
}

interface Waiting {
  readonly index: number;
  readonly task: SizedTask;
}

/** One thread's life: takes from the end of the queue until it is empty. */
async function work(input: PoolInput, waiting: Waiting[], verdicts: TimedVerdict[]): Promise<void> {
  const worker = new Worker(new URL(import.meta.resolve('./verify-worker.js')), { workerData: input });
  try {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      verdicts[next.index] = await ask(worker, { object: next.task.object, prog: next.task.prog });
    }
  } finally {
    await worker.terminate();
  }
}

function ask(worker: Worker, task: PoolTask): Promise<TimedVerdict> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      worker.off('message', answer).off('error', fail).off('exit', end);
    };
    const answer = (verdict: TimedVerdict): void => {
      leave();
      resolve(verdict);
    };
    const fail = (error: unknown): void => {
      leave();
      reject(error instanceof Error ? error : new InvariantError(String(error)));
    };
    const end = (): void => {
      leave();
      reject(new InvariantError('a verifying thread ended by itself'));
    };
    worker.on('message', answer).on('error', fail).on('exit', end);
    worker.postMessage(task);
  });
}
