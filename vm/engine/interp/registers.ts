/**
 * The register file while the loop runs: r0-r10 as int32 pairs, low word first. One constant array for all runners, since one
 * runs at a time and V8 then knows its address (an eighth of the time of an ALU loop). Between steps registers lie in linear memory.
 */
export const REGISTERS = new Int32Array(22);
