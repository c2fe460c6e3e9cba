/** Tests as one JSON document. Packet bytes are in hex. */
import type { Reporter } from './reporter.js';

export const jsonReporter: Reporter = {
  end(reports) {
    const objects = reports.map(({ file, tests, seconds, problem }) => ({
      object: file,
      seconds,
      ...(problem === undefined ? {} : { problem }),
      tests,
    }));
    return `${JSON.stringify(objects, null, 2)}\n`;
  },
};
