/** The map kinds under one contract. Odd sizes on purpose: alignment and padding are where maps go wrong. */
import { runMapContract } from './contract.js';

for (const keyBytes of [1, 2, 3, 4, 5, 7, 8, 13, 16, 31, 63, 64]) {
  runMapContract({ type: 'hash', keyBytes, valueBytes: ((keyBytes * 5) % 23) + 1, maxEntries: (keyBytes % 9) + 1 });
}
runMapContract({ type: 'hash', keyBytes: 4, valueBytes: 8, maxEntries: 200 });
for (const keyBytes of [1, 3, 4, 8, 13]) {
  runMapContract({ type: 'percpu_hash', keyBytes, valueBytes: ((keyBytes * 7) % 23) + 1, maxEntries: keyBytes + 1 });
}
for (const valueBytes of [1, 3, 4, 7, 8, 9, 64, 65]) {
  runMapContract({ type: 'array', keyBytes: 4, valueBytes, maxEntries: 5 });
  runMapContract({ type: 'percpu_array', keyBytes: 4, valueBytes, maxEntries: 5 });
}
