// @ts-check
/**
 * The reporter of `npm test`: one line a test file, failures in full, skips with their reasons, and a closing line
 * `N passed, N failed` taken from the summary that tap itself prints. Counts nothing of its own: tap knows about
 * nesting, todo and skip, and its exit code decides.
 */
import { Transform } from 'node:stream';

/** tap's last word on a run, for example `# { total: 7, pass: 5, fail: 1, skip: 1 }`. */
const SUMMARY = /^# \{ (total: \d+.*) \}$/;
const TEST_POINT = /^( *)(not )?ok\b(?: \d+)?(?: - )?(.*?)( \{)?$/;
const TIME = / # time=([\d.]+)ms$/;
const DIRECTIVE = /(?:^| )# (SKIP|TODO)\b ?(.*)$/i;
/** TAP's own framing, which says nothing to a reader. */
const FRAMING = /^ *(TAP version \d+|\d+\.\.\d+.*|# Subtest.*|# time=.*|# \{ total: .*|# No coverage generated|\})$/;

/** @param {string} summary the inside of tap's summary braces */
function parseCounts(summary) {
  const counts = new Map(
    summary.split(', ').map((pair) => {
      const [name = '', value = ''] = pair.split(': ');
      return [name, Number(value)];
    }),
  );
  /** @param {string} name */
  const count = (name) => counts.get(name) ?? 0;
  return { passed: count('pass'), failed: count('fail'), skipped: count('skip'), todo: count('todo') };
}

/** Turns tap's stream into the report; `tap --reporter` pipes the one in and the other to standard output. */
export default class CiReporter extends Transform {
  #rest = '';
  /** Lines since the last finished test file. @type {string[]} */
  #block = [];
  /** The result line of a test file whose `{` block is still open. @type {string | undefined} */
  #open;
  /** @type {ReturnType<typeof parseCounts> | undefined} */
  #counts;
  #broken = false;

  constructor() {
    super({ decodeStrings: true });
  }

  /**
   * @override
   * @param {Buffer} chunk
   * @param {BufferEncoding} _encoding
   * @param {import('node:stream').TransformCallback} done
   */
  _transform(chunk, _encoding, done) {
    const lines = (this.#rest + chunk.toString('utf8')).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#readLine(line);
    done();
  }

  /**
   * @override
   * @param {import('node:stream').TransformCallback} done
   */
  _flush(done) {
    if (this.#rest !== '') this.#readLine(this.#rest);
    if (this.#open !== undefined) this.#closeFile(this.#open);
    this.#printLeftovers();
    const { passed, failed, skipped, todo } = this.#counts ?? { passed: 0, failed: 0, skipped: 0, todo: 0 };
    // A run that bailed out, or that tap could not sum up, did not pass, whatever had been counted by then.
    const broken = this.#broken || this.#counts === undefined;
    this.push('\n');
    if (skipped > 0) this.push(`${skipped} skipped\n`);
    if (todo > 0) this.push(`${todo} todo\n`);
    this.push(`${passed} passed, ${broken ? Math.max(failed, 1) : failed} failed\n`);
    done();
  }

  /** @param {string} line */
  #readLine(line) {
    const summary = SUMMARY.exec(line);
    if (summary?.[1] !== undefined) {
      this.#counts = parseCounts(summary[1]);
      return;
    }
    if (line.startsWith('Bail out!')) this.#broken = true;
    if (this.#open !== undefined) {
      if (line !== '}') this.#block.push(line);
      else this.#closeFile(this.#open);
      return;
    }
    const point = TEST_POINT.exec(line);
    if (point?.[1] !== '') {
      this.#block.push(line);
    } else if (point[4] !== undefined) {
      this.#printLeftovers();
      this.#open = line;
    } else {
      this.#closeFile(line);
    }
  }

  /**
   * Reports one finished test file.
   * @param {string} line its result line
   */
  #closeFile(line) {
    const point = TEST_POINT.exec(line);
    const failed = point?.[2] !== undefined;
    if (failed) this.#broken = true;
    const title = point?.[3] ?? line;
    const time = TIME.exec(title)?.[1];
    const name = title.replace(TIME, '').replace(DIRECTIVE, '');
    const seconds = time === undefined ? '' : ` (${(Number(time) / 1000).toFixed(1)} s)`;
    this.push(`${failed ? 'FAIL' : 'ok  '} ${name}${seconds}\n`);
    const own = DIRECTIVE.exec(title);
    if (own !== null) this.push(`     ${describeDirective(name, own)}\n`);
    const block = this.#block;
    this.#block = [];
    this.#open = undefined;
    if (failed) for (const text of selectFailures(block)) this.push(`  ${text}\n`);
    else for (const text of selectDirectives(block)) this.push(`     ${text}\n`);
  }

  /** What stands between test files: bail-outs and text that tests printed outside of any test. */
  #printLeftovers() {
    for (const text of this.#block) {
      if (text !== '' && !FRAMING.test(text) && !isPassing(text)) this.push(`${text}\n`);
    }
    this.#block = [];
  }
}

/** @param {string} line */
function isPassing(line) {
  const point = TEST_POINT.exec(line);
  return point !== null && point[2] === undefined;
}

/**
 * @param {string} name
 * @param {RegExpExecArray} directive
 */
function describeDirective(name, directive) {
  const [, word = '', reason = ''] = directive;
  return `${word.toLowerCase()}: ${name}${reason === '' ? '' : ` (${reason.replace(TIME, '')})`}`;
}

/**
 * The skipped and todo tests of a block, each with its reason.
 * @param {readonly string[]} block
 */
function selectDirectives(block) {
  return block.flatMap((line) => {
    const title = TEST_POINT.exec(line)?.[3];
    const directive = title === undefined ? null : DIRECTIVE.exec(title);
    if (title === undefined || directive === null) return [];
    return [describeDirective(title.replace(DIRECTIVE, ''), directive)];
  });
}

/**
 * Everything of a failed block but what passed: failures, their diagnostics, what the test printed.
 * @param {readonly string[]} block
 */
function selectFailures(block) {
  /** @type {string[]} */
  const kept = [];
  let inPassingDiagnostics = false;
  let afterPassing = false;
  for (const line of block) {
    if (inPassingDiagnostics) {
      inPassingDiagnostics = !/^ *\.\.\.$/.test(line);
      continue;
    }
    if (afterPassing && /^ *---$/.test(line)) {
      inPassingDiagnostics = true;
      continue;
    }
    afterPassing = isPassing(line);
    if (!afterPassing && line.trim() !== '' && !FRAMING.test(line)) kept.push(line);
  }
  return kept;
}
