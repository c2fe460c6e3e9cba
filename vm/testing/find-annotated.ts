/**
 * Tests by annotation: programs whose BTF decl tags say what is expected of them, as the macros of the kernel's selftests
 * write them. What is expected of the verifier is not judged here.
 */
import { hookOf } from '../hooks/table.js';
import type { ObjectSpec, ProgramSpec } from '../object/object-spec.js';

export interface AnnotatedTest {
  readonly kind: 'annotated';
  readonly name: string;
  readonly program: ProgramSpec;
  /** What r0 has to be as int32; undefined where the annotation says nothing of it. */
  readonly retval: number | undefined;
  /** Whether the program is expected to be refused. */
  readonly refused: boolean;
}

/** Newer macros number the tags: `comment:17:test_retval=3`. */
const TAG = /^comment:(?:\d+:)?test_(expect_success|expect_failure|retval)(?:=(.*))?$/s;

/** Words that stand for numbers. */
const NUMBERS: Readonly<Record<string, number>> = { POINTER_VALUE: 0xcafe4a11, TEST_DATA_LEN: 64 };

/** In the order of the programs. */
export function findAnnotatedTests({ programs }: ObjectSpec): AnnotatedTest[] {
  return programs.flatMap((program) => {
    if (hookOf(program.type) === undefined) return [];
    const tags = program.declTags.flatMap((tag) => {
      const [, word, value = ''] = TAG.exec(tag) ?? [];
      return word === undefined ? [] : [{ word, value }];
    });
    if (tags.length === 0) return [];
    const retval = tags.find(({ word }) => word === 'retval')?.value.trim();
    return [
      {
        kind: 'annotated',
        name: program.name,
        program,
        retval: retval === undefined ? undefined : (NUMBERS[retval] ?? Number(BigInt.asIntN(64, numberOf(retval)))) | 0,
        refused: tags.some(({ word }) => word === 'expect_failure'),
      },
    ];
  });
}

/** As strtol reads it; 0 where that is no number. */
function numberOf(text: string): bigint {
  const [, sign = '', digits = '0'] = /^(-?)(0x[0-9a-f]+|\d+)/i.exec(text.replace(/^\(|\)$/g, '')) ?? [];
  return sign === '-' ? -BigInt(digits) : BigInt(digits);
}
