/**
 * `npm run build:bpf` compiles the C sources under `bpf/`; with `-- --check` it compares instead (bpf-objects.ts).
 * CLANG names another compiler than clang-19 or clang. Exit codes: 0 built, equal or skipped with a reason; 1 the
 * committed objects are stale; 2 the build failed.
 */
import { BuildError, buildObjects, checkObjects } from './bpf-objects.js';

const bpfDir = 'bpf';

function main(args: readonly string[]): number {
  if (args.length === 0) {
    const { objects, toolchain } = buildObjects(bpfDir);
    console.log(`built ${objects.length} objects with ${toolchain.clang}`);
    return 0;
  }
  if (args.length > 1 || args[0] !== '--check') throw new BuildError('usage: npm run build:bpf [-- --check]');

  const result = checkObjects(bpfDir);
  switch (result.kind) {
    case 'equal':
      console.log(`equal: ${result.objects.length} objects`);
      return 0;
    case 'skipped':
      console.log(`skipped: ${result.reason}`);
      return 0;
    case 'differs':
      for (const finding of result.findings) console.log(finding);
      console.log('run `npm run build:bpf` and commit the objects');
      return 1;
  }
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
