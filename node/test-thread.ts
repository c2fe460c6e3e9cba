/** A thread that runs test objects: takes paths, gives reports. Knows only its messages. */
import { parentPort, workerData } from 'node:worker_threads';
import { testFile } from './test-files.js';
import type { TestFilesOptions } from './test-files.js';

const options = workerData as TestFilesOptions;

parentPort?.on('message', (file: string) => {
  void testFile(file, options).then((report) => {
    parentPort?.postMessage(report);
  });
});
