/** What `skep run` says at its end: for each stage its tables, for a chain where packets ended. Knows no streams. */
import { ConfigError, describeObject } from '../vm/index.js';
import type { MapHandle, ProgramSpec, Replay, Spread } from '../vm/index.js';
import type { ChainScore } from './chain-score.js';
import type { EventDecoder } from './run-events.js';
import { mapJson, renderMap } from './run-maps.js';
import { renderDecisions, renderSpread, renderSummary, share, summaryJson } from './run-report.js';
import type { Stage } from './stage.js';
import { isNotThere, trapPlace } from './missing-parts.js';
import { renderTable } from './text-table.js';

/** A stage that runs. */
export interface RunStage extends Stage {
  readonly spec: ProgramSpec;
  readonly replay: Replay;
  /** With what packets go on, where somebody said it. */
  readonly lets?: readonly string[];
  readonly events: EventDecoder;
  readonly spread?: Spread;
}

interface ReportFlags {
  readonly read?: string;
  readonly verbose?: true;
  readonly maps?: true | readonly string[];
}

type Maps = ReadonlyMap<RunStage, readonly MapHandle[]>;
type Score = ChainScore<RunStage>;

/** For people; ends with a newline. */
export function textReport(
  stages: readonly RunStage[],
  chain: Score | undefined,
  maps: Maps,
  { read }: ReportFlags,
): string {
  const from = read ?? 'one blank 64-byte frame (no capture given: -r FILE)';
  const parts = stages.flatMap((stage) => {
    const what = `${stage.spec.name} of ${stage.object}`;
    const heading = chain === undefined ? `${what} over ${from}` : `stage ${stage.name}: ${what}`;
    return stageParts(stage, heading, maps.get(stage) ?? []);
  });
  if (chain === undefined) return parts.join('\n');
  const title = `${stages.map(({ name }) => name).join(' -> ')} over ${from}\n`;
  return [title, ...parts, renderEnds(chain)].join('\n');
}

function stageParts(stage: RunStage, heading: string, maps: readonly MapHandle[]): string[] {
  const { datapath, replay, events, spread, spec } = stage;
  const summary = replay.summary();
  const row = describeObject(datapath.object).programs.find(({ name }) => name === spec.name);
  const notes = (row?.unsupported ?? []).map((text) => `\nnote: ${text}`).join('');
  return [
    `${heading}${notes}\n`,
    renderSummary(summary),
    renderDecisions(summary),
    spread === undefined ? undefined : renderSpread(spread),
    events.note === undefined ? undefined : `note: ${events.note}\n`,
    ...maps.map((map) => renderMap(datapath, map, stage.reasons)),
  ].filter((part) => part !== undefined);
}

function renderEnds(chain: Score): string {
  const rows = chain
    .ends()
    .map(({ stage, verdict, packets }) => [stage, verdict, String(packets), share(packets, chain.packets)]);
  if (rows.length === 0) return 'no packets\n';
  rows.push(['total', '', String(chain.packets), share(chain.packets, chain.packets)]);
  return `${renderTable(['ENDED IN', 'WITH', 'PACKETS', 'SHARE'], rows, [2, 3])}\n`;
}

/** For programs; ends with a newline. */
export function jsonReport(
  stages: readonly RunStage[],
  chain: Score | undefined,
  maps: Maps,
  { verbose, maps: wanted }: ReportFlags,
): string {
  const each = stages.map((stage) => {
    const { datapath, object, spec, replay, spread } = stage;
    return {
      object,
      program: spec.name,
      section: spec.section,
      engine: datapath.engine,
      ...(summaryJson(replay.summary()) as object),
      ...(spread === undefined ? {} : { spread: spread.rows() }),
      ...(wanted === undefined
        ? {}
        : { maps: (maps.get(stage) ?? []).map((map) => mapJson(datapath, map, stage.reasons)) }),
    };
  });
  const whole =
    chain === undefined
      ? each[0]
      : {
          packets: chain.packets,
          stages: each.map((data, index) => ({ stage: stages[index]?.name, ...data })),
          ends: chain.ends(),
        };
  return `${JSON.stringify(whole, null, verbose === true ? 0 : 2)}\n`;
}

/** What skep could not run or nobody has, where packets got there: their verdicts say nothing. Undefined where none did. */
export function unsupportedTrap({ name, replay }: RunStage, isChain: boolean): ConfigError | undefined {
  const total = replay.summary().traps.find(({ trap }) => isNotThere(trap));
  if (total === undefined) return undefined;
  const { trap, packets, first } = total;
  const more = packets === 1 ? '' : `, as did ${String(packets)} packets in all`;
  const what = `${isChain ? `stage ${name}: ` : ''}packet ${String(first)} got to what skep does not run`;
  return new ConfigError('config-unsupported', `${what}: ${trap.message}${more}`, {
    data: { trap: trap.name, packets, first },
    where: trapPlace(trap),
  });
}

/** What is wrong where a program redirected to a device that nobody has described; undefined where none did. */
export function missingDevice({ name, datapath, replay }: RunStage, isChain: boolean): ConfigError | undefined {
  const [worst, ...others] = replay.summary().missingDevices ?? [];
  if (worst === undefined) return undefined;
  const { ifindex, packets, first } = worst;
  const more = packets === 1 ? '' : `, as ${String(packets)} packets`;
  const also =
    others.length === 0 ? '' : `; there is no ifindex ${others.map((each) => each.ifindex).join(', ')} either`;
  const known = [...datapath.machine.world.network.devices.all()].map(
    (each) => `${each.name} (${String(each.ifindex)})`,
  );
  return new ConfigError(
    'config-value',
    `${isChain ? `stage ${name}: ` : ''}packet ${String(first)} was redirected to ifindex ${String(ifindex)}, ` +
      `which does not exist${more}${also}`,
    {
      data: { ifindex, packets, first },
      hint: `the world has ${known.join(', ')}; a config adds devices: docs/config.md`,
    },
  );
}
