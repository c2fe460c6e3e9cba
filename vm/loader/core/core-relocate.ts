/**
 * CO-RE: rewrites what the compiler assumed about kernel types to what a target BTF says. Without a target the object's
 * own BTF answers. What cannot be resolved poisons its instruction, which fails only if it is executed. The rules
 * are those of libbpf by behaviour.
 */
import type { Btf, BtfId } from '../../btf/btf.js';
import { nameOf } from '../../btf/btf.js';
import type { CoreRelocation } from '../../btf/btf-ext.js';
import { BtfError } from '../../errors.js';
import type { Code } from '../functions.js';
import type { NoteList } from '../load-context.js';
import type { Path, Place } from './access.js';
import { accessIndices, readPath } from './access.js';
import { Budget } from './budget.js';
import type { Patch } from './core-patch.js';
import { patchInsn } from './core-patch.js';
import type { CoreKind, FieldWidth } from './core-values.js';
import { CORE_KINDS, fieldValue } from './core-values.js';
import { essentialName } from './essential-name.js';
import { isEnum, matchPath } from './match-path.js';
import { areCompatible, matchTypes } from './type-match.js';

/** Questions that are remembered; real objects ask a few hundred different ones. */
const MAX_CACHED = 4096;

/** A value, or why there is none. */
type Answer = { readonly value: bigint; readonly width?: FieldWidth } | { readonly missing: string };

interface Question {
  readonly kind: CoreKind;
  readonly relocation: CoreRelocation;
  readonly local: Btf;
  /** What the compiler saw. */
  readonly localAnswer: Answer;
  readonly path?: Path;
  readonly enumerator?: string;
}

export class CoreRelocator {
  readonly #local: Btf;
  readonly #target: Btf | undefined;
  readonly #notes: NoteList;
  readonly #budget = new Budget();
  readonly #answers = new Map<string, { readonly question: Question; readonly answer: Answer }>();
  readonly #candidates = new Map<BtfId, readonly BtfId[]>();
  #byEssentialName: ReadonlyMap<string, readonly BtfId[]> | undefined;

  /** Without `target`, types are taken to be as they were compiled. */
  constructor(local: Btf, target: Btf | undefined, notes: NoteList) {
    this.#local = local;
    this.#target = target;
    this.#notes = notes;
  }

  /** Applies relocations to the code of a section. Throws `BtfError` 'btf-core' on malformed ones. */
  relocate(code: Code, sectionIndex: number, relocations: readonly CoreRelocation[]): void {
    if (this.#target === undefined && relocations.length > 0) {
      this.#notes.add(
        'core',
        'no target BTF is given: CO-RE relocations keep the offsets that the object was compiled with',
      );
    }
    for (const relocation of relocations) {
      const place = code.locate(sectionIndex, relocation.off);
      const insn = place?.func.insns[place.index];
      if (place === undefined || insn === undefined) continue;
      const { question, answer } = this.#ask(relocation);
      const poison = (why: string): void => {
        const what = `CO-RE ${question.kind} of ${this.#text(question)}: ${why}`;
        this.#notes.add('core', what);
        place.func.refs.set(place.index, { kind: 'unsupported', what });
      };
      if ('missing' in answer) {
        poison(answer.missing);
        continue;
      }
      const patched = patchInsn(insn, patchOf(question, answer));
      if (patched.ok) place.func.insns[place.index] = patched.insn;
      else poison(patched.why);
    }
  }

  /** One program asks the same question in many places. */
  #ask(relocation: CoreRelocation): { readonly question: Question; readonly answer: Answer } {
    const key = `${String(relocation.kind)}/${String(relocation.type)}/${relocation.access}`;
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const question = this.#question(relocation);
    const asked = { question, answer: this.#answer(question) };
    if (this.#answers.size < MAX_CACHED) this.#answers.set(key, asked);
    return asked;
  }

  #question(relocation: CoreRelocation): Question {
    const kind = CORE_KINDS[relocation.kind];
    if (kind === undefined) {
      throw new BtfError('btf-core', `CO-RE relocation of unknown kind ${String(relocation.kind)}`, {
        where: { section: '.BTF.ext' },
        data: { kind: relocation.kind },
      });
    }
    const local = this.#local;
    const common = { kind, relocation, local };
    if (kind.startsWith('field-')) {
      const path = readPath(local, relocation.type, relocation.access);
      return { ...common, path, localAnswer: answerField(local, path.place, kind) };
    }
    if (kind.startsWith('enumval-')) {
      const type = local.resolved(relocation.type);
      const index = accessIndices(relocation.access)[0] ?? 0;
      const value = type.kind === 'enum' || type.kind === 'enum64' ? type.values[index] : undefined;
      if (value === undefined) {
        throw new BtfError('btf-core', `CO-RE ${kind}: there is no enumerator ${relocation.access}`, {
          where: { section: '.BTF.ext' },
        });
      }
      return {
        ...common,
        enumerator: value.name,
        localAnswer: { value: kind === 'enumval-exists' ? 1n : value.value },
      };
    }
    return { ...common, localAnswer: answerType(local, relocation.type, kind) };
  }

  #answer(question: Question): Answer {
    const target = this.#target;
    if (question.kind === 'type-id-local') return { value: BigInt(question.relocation.type) };
    if (target === undefined) return question.localAnswer;
    let found: Answer | undefined;
    for (const candidate of this.#candidatesOf(question.relocation.type, target)) {
      this.#budget.spend();
      const answer = this.#answerOf(question, target, candidate);
      if (answer === undefined) continue;
      if (found !== undefined && !sameAnswer(found, answer)) return { missing: 'several types of the target disagree' };
      found ??= answer;
    }
    return found ?? absent(question);
  }

  /** What one candidate says; undefined if it is not the type that was meant. */
  #answerOf(question: Question, target: Btf, candidate: BtfId): Answer | undefined {
    const { kind, relocation, local, path, enumerator } = question;
    if (path !== undefined) {
      const place = matchPath(local, path, target, candidate, this.#budget);
      return place === undefined ? undefined : answerField(target, place, kind);
    }
    if (enumerator !== undefined) {
      const type = target.resolved(candidate);
      if (type.kind !== 'enum' && type.kind !== 'enum64') return undefined;
      const name = essentialName(enumerator);
      const value = type.values.find((each) => {
        this.#budget.spend();
        return essentialName(each.name) === name;
      });
      return value === undefined ? undefined : { value: kind === 'enumval-exists' ? 1n : value.value };
    }
    const pair = { local, target, budget: this.#budget };
    const matches =
      kind === 'type-matches'
        ? matchTypes(pair, relocation.type, candidate)
        : areCompatible(pair, relocation.type, candidate);
    return matches ? answerType(target, candidate, kind) : undefined;
  }

  /** Types of the target with the same name and kind; flavours do not count. */
  #candidatesOf(localId: BtfId, target: Btf): readonly BtfId[] {
    const known = this.#candidates.get(localId);
    if (known !== undefined) return known;
    const type = this.#local.type(localId);
    const found = (this.#essentialNames(target).get(essentialName(nameOf(type))) ?? []).filter((id) => {
      const kind = target.kind(id);
      return kind === type.kind || (isEnum(kind) && isEnum(type.kind));
    });
    this.#candidates.set(localId, found);
    return found;
  }

  #essentialNames(target: Btf): ReadonlyMap<string, readonly BtfId[]> {
    if (this.#byEssentialName !== undefined) return this.#byEssentialName;
    const names = new Map<string, BtfId[]>();
    for (const [name, ids] of target.names()) {
      const essential = essentialName(name);
      const known = names.get(essential);
      if (known === undefined) names.set(essential, [...ids]);
      else for (const id of ids) known.push(id);
    }
    this.#byEssentialName = names;
    return names;
  }

  #text(question: Question): string {
    const type = this.#local.type(question.relocation.type);
    const fields = (question.path?.steps ?? [])
      .slice(1)
      .map((step) => (step.kind === 'element' ? `[${String(step.index)}]` : `.${step.name}`));
    const enumerator = question.enumerator === undefined ? '' : `.${question.enumerator}`;
    return `${type.kind} ${nameOf(type)}${fields.join('')}${enumerator}`;
  }
}

function answerField(btf: Btf, place: Place, kind: CoreKind): Answer {
  return fieldValue(btf, place, kind);
}

function answerType(btf: Btf, id: BtfId, kind: CoreKind): Answer {
  if (kind === 'type-id-target' || kind === 'type-id-local') return { value: BigInt(id) };
  if (kind === 'type-size') return { value: BigInt(btf.sizeOf(id) ?? 0) };
  return { value: 1n };
}

/** What a kernel without the type says: questions whether it exists are answered, others cannot be. */
function absent(question: Question): Answer {
  switch (question.kind) {
    case 'field-exists':
    case 'type-exists':
    case 'type-size':
    case 'type-id-target':
    case 'type-matches':
    case 'enumval-exists':
      return { value: 0n };
    default:
      return { missing: 'the target has nothing like it' };
  }
}

function sameAnswer(a: Answer, b: Answer): boolean {
  return 'value' in a && 'value' in b ? a.value === b.value : 'missing' in a && 'missing' in b;
}

function patchOf(question: Question, answer: { readonly value: bigint; readonly width?: FieldWidth }): Patch {
  const { kind, localAnswer, path } = question;
  // Compilers fill in what they like for bit-fields, and 1 or an id for types.
  const isBitField = (path?.place.member?.bits ?? 0) > 0;
  const isCertain = (kind === 'field-byte-off' || kind === 'field-byte-size') && !isBitField;
  const local = 'value' in localAnswer ? localAnswer : undefined;
  return {
    value: answer.value,
    expected: isCertain ? local?.value : undefined,
    ...(kind === 'field-byte-off' && local?.width !== undefined && answer.width !== undefined
      ? { from: local.width, to: answer.width }
      : {}),
  };
}
