/** The directives of object files. */

export const DIRECTIVES = [
  '.section',
  '.text',
  '.data',
  '.rodata',
  '.bss',
  '.globl',
  '.global',
  '.weak',
  '.extern',
  '.func',
  '.license',
  '.map',
  '.byte',
  '.short',
  '.long',
  '.quad',
  '.ascii',
  '.asciz',
  '.zero',
] as const;

export type DirectiveName = (typeof DIRECTIVES)[number];
