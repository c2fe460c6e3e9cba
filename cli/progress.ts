/** A progress bar on a terminal, nothing anywhere else. Writes to the error stream, so that output stays clean. */
import { Presets, SingleBar } from 'cli-progress';

export interface Progress {
  /** @param totalBytes undefined where nobody knows: the bar then only counts */
  start(totalBytes: number | undefined): void;
  update(bytes: number, packets: number): void;
  stop(): void;
}

const SILENT: Progress = { start: () => undefined, update: () => undefined, stop: () => undefined };

/** Files below this are done before a bar would help. */
const MIN_BYTES = 4 * 1024 * 1024;

export function createProgress(stream: NodeJS.WriteStream | undefined): Progress {
  if (stream === undefined) return SILENT;
  const bar = new SingleBar(
    {
      stream,
      format: '{bar} {percentage} %  {packets} packets  {duration_formatted}',
      clearOnComplete: true,
      hideCursor: true,
    },
    Presets.shades_classic,
  );
  let running = false;
  return {
    start(totalBytes) {
      if (totalBytes === undefined || totalBytes < MIN_BYTES) return;
      running = true;
      bar.start(totalBytes, 0, { packets: 0 });
    },
    update(bytes, packets) {
      if (running) bar.update(bytes, { packets });
    },
    stop() {
      if (running) bar.stop();
      running = false;
    },
  };
}
