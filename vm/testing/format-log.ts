/** Log lines of checks as printk would print them: `%d`, `%u`, `%x`, `%s` and others with `l` and `ll`. Knows no memory. */

const SPEC = /%(?:%|(?<length>l{0,2})(?<kind>[diuxXps]))/g;

/** Formats; a specifier without an argument, or one that is not known, stays as it stands. */
export function formatLog(format: string, args: readonly bigint[]): string {
  let next = 0;
  return format.replace(SPEC, (spec: string, length: string | undefined, kind: string | undefined) => {
    if (kind === undefined) return '%';
    const arg = args[next++];
    if (arg === undefined) return spec;
    const bits = length === '' ? 32 : 64;
    switch (kind) {
      case 'd':
      case 'i':
        return String(BigInt.asIntN(bits, arg));
      case 'u':
        return String(BigInt.asUintN(bits, arg));
      case 'x':
        return BigInt.asUintN(bits, arg).toString(16);
      case 'X':
        return BigInt.asUintN(bits, arg).toString(16).toUpperCase();
      default:
        // A pointer of the program: nobody can look behind it any more.
        return `0x${arg.toString(16)}`;
    }
  });
}
