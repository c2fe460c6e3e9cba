/** Readers of option values that several commands share. */
import { InvalidArgumentError } from 'commander';

/** A whole number of at least 1. */
export function parseCount(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) < 1) throw new InvalidArgumentError('give a whole number of at least 1');
  return Number(text);
}

const SIZES: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** A size such as 256M. */
export function parseBytes(text: string): number {
  const match = /^(\d+)([KMG]?)i?B?$/i.exec(text);
  const unit = SIZES[(match?.[2] ?? '').toUpperCase()];
  if (match === null || unit === undefined) throw new InvalidArgumentError('give a size such as 256M or 2G');
  return Number(match[1]) * unit;
}
