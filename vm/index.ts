/**
 * The public surface of `skep`: load an object, attach a program, run packets, read captures.
 *
 * Re-exports only. What is not named here is not part of the contract.
 */
export {
  SkepError,
  ElfError,
  BtfError,
  LoadError,
  AsmError,
  PcapError,
  ConfigError,
  ConfigErrors,
  InvariantError,
} from './errors.js';
export type { Where, ErrorDetails } from './errors.js';
export { toHex, fromHex } from './bytes.js';

export { load, Datapath } from './datapath/datapath.js';
export type { CtxFields } from './packet/ctx-fields.js';
export type { MapOverride, MapOverrides } from './object/override-maps.js';
export type { AttachOptions, DatapathOptions } from './datapath/datapath.js';
export type { EngineName } from './datapath/engines.js';
export { runInsns } from './datapath/run-insns.js';
export { Attachment } from './datapath/attachment.js';
export type { Arrival, Result } from './datapath/attachment.js';
export { chooseProgram } from './datapath/choose-program.js';
export type { TrapReport } from './datapath/trap-report.js';
export type { BlockCount } from './engine/block-counts.js';
export type { Checks, Outcome, Probe, Trap } from './engine/engine.js';
export { DEFAULT_FUEL } from './engine/engine.js';
export type { MapHandle } from './machine/map-table.js';
export type { TypedMap } from './machine/typed-map.js';
export type { GlobalDescription, Globals } from './machine/globals.js';
export type { MapEvent, PacketClone } from './world/effects.js';
export { redirectText } from './datapath/redirect.js';
export type { Redirect } from './datapath/redirect.js';
export { tunnelText } from './datapath/tunnel.js';
export type { Tunnel } from './datapath/tunnel.js';
export type {
  DeviceKind,
  DeviceSpec,
  NeighbourSpec,
  NeighbourState,
  RouteSpec,
  RouteType,
  WorldSpec,
} from './world/world-spec.js';

export { loadObject } from './loader/load-object.js';
export type { LoadOptions } from './loader/load-object.js';
export { objectFromInsns } from './object/from-insns.js';
export type { FunctionSpec, LineInfo, MapSpec, Note, ObjectSpec, ProgramSpec, Ref } from './object/object-spec.js';
export { describeObject } from './object/describe.js';
export type { CallDescription, MapDescription, ObjectDescription } from './object/describe.js';
export { parseBtf } from './btf/btf.js';
export type { Btf } from './btf/btf.js';
export { decodeValue, encodeValue } from './btf/value.js';
export type { EncodeOptions, Value, ValueInput } from './btf/value.js';
export { typeDefinitions } from './btf/c-text.js';
export { PROG_TYPE_ROWS } from './spec/prog-types.js';
export type { ProgTypeName } from './spec/prog-types.js';

export { verify } from './verifier/verify.js';
export type {
  Accepted,
  Capabilities,
  Rejected,
  Undecided,
  Verdict,
  VerifyOptions,
  VerifyStats,
} from './verifier/verdict.js';
export { explainRejection } from './verifier/report.js';
export type { RejectionReport, ReportInsn, ReportRegister, ReportStep } from './verifier/report.js';

export { feedCapture } from './replay/feed-capture.js';
export { COST_NAMES, CostMeter, CostTable } from './replay/packet-costs.js';
export type { CostName, CostTotal, PacketCost } from './replay/packet-costs.js';
export { pairedDifference } from './replay/paired-difference.js';
export type { PairedDifference } from './replay/paired-difference.js';
export { Replay } from './replay/replay.js';
export type {
  CodePlace,
  DecisionTotal,
  MissingDevice,
  PacketOutcome,
  ReasonTotal,
  ReplayOptions,
  ReplaySummary,
  TrapTotal,
  VerdictTotal,
} from './replay/replay.js';
export { DecisionRecorder } from './replay/decisions.js';
export type { InsnPlace } from './replay/decisions.js';
export { ReasonCounters } from './datapath/reason-counters.js';
export type { ReasonsOptions } from './datapath/reason-counters.js';
export { Spread } from './replay/spread.js';
export type { SpreadRow } from './replay/spread.js';
export { endsPacket, VerdictCapture } from './replay/verdict-capture.js';
export type { VerdictCaptureOptions } from './replay/verdict-capture.js';
export { PacketTracer } from './debug/trace-packet.js';
export type { TraceOutcome, TracerOptions } from './debug/trace-packet.js';
export type { HelperCall, MemoryAccess, RegisterChange, TraceStep } from './debug/trace-step.js';
export { listTests, testObject } from './testing/test-object.js';
export type { TestObjectOptions } from './testing/test-object.js';
export type { TestContract } from './testing/object-tests.js';
export type { StepResult, TestResult } from './testing/test-result.js';
export type { Difference, Failure } from './testing/failure.js';
export type { StepName } from './testing/find-tests.js';
export type { Subtest } from './testing/suite-result.js';
export type { TestStatus } from './testing/test-status.js';
export type { TestRun, TestRunInput, TestRunResult } from './datapath/test-run.js';
export { Chain, goesOn } from './replay/chain.js';
export type { ChainOutcome, ChainStage } from './replay/chain.js';
export type { CostSummary } from './replay/cost.js';
export { createCaptureReader, readCapture, readCaptureBytes } from './net/capture.js';
export type { CaptureReader } from './net/capture.js';
export type { CaptureInterface, Packet } from './net/packet.js';
export { timestampNs } from './net/packet.js';
export { summarizePacket } from './net/summary.js';
