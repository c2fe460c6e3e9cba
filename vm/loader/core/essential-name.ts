/** Flavours: `task_struct___old` names the same kernel type as `task_struct`. */

/** The name without its last `___flavour`. */
export function essentialName(name: string): string {
  if (!name.includes('___')) return name;
  return /^(.*[^_])___[^_].*$/s.exec(name)?.[1] ?? name;
}
