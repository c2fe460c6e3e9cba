/** Configs with marks where mistakes are, for tables of them. */
import { ConfigErrors } from '../../vm/index.js';

export interface Mistake {
  readonly line: number;
  readonly col: number;
  readonly problem: unknown;
}

const MARK = '›';

/** The text without its marks, and where they were. */
export function unmark(marked: string): { readonly text: string; readonly places: { line: number; col: number }[] } {
  const places = marked.split('\n').flatMap((line, index) => {
    const col = line.startsWith('#') ? -1 : line.indexOf(MARK);
    return col < 0 ? [] : [{ line: index + 1, col: col + 1 }];
  });
  return { text: marked.replaceAll(MARK, ''), places };
}

/** What `act` complains about; undefined where it does not. */
export function mistakesOf(act: () => unknown): ConfigErrors | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof ConfigErrors) return error;
    throw error;
  }
}

/** For comparing. */
export function placesOf(errors: ConfigErrors | undefined): Mistake[] {
  return (errors?.errors ?? []).map(({ where, data }) => ({
    line: where.line ?? 0,
    col: where.col ?? 0,
    problem: data?.problem,
  }));
}
