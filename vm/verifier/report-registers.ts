/**
 * A register as the log prints it, in words: `pkt(off=14,r=34)` becomes "a pointer into the packet, 14 bytes past its
 * start; 34 bytes from the start are known to be there". Knows the log's spelling, no states.
 */

interface Parts {
  readonly type: string;
  readonly fields: ReadonlyMap<string, string>;
}

/** `type(a=1,b=c=2)`: fields that share a value are written `b=c=2`. */
function split(text: string): Parts {
  const open = text.indexOf('(');
  if (open < 0) return { type: text, fields: new Map() };
  const fields = new Map<string, string>();
  for (const part of text.slice(open + 1, text.lastIndexOf(')')).split(',')) {
    const pieces = part.split('=');
    const value = pieces.pop() ?? '';
    for (const name of pieces) fields.set(name, value);
  }
  return { type: text.slice(0, open), fields };
}

const NUMBER = /^P?-?(0x[0-9a-f]+|\d+)$/;

/** A signed limit in decimal, where the log has it in hexadecimal. */
function signedText(text: string | undefined, name: string): string | undefined {
  if (text === undefined || !name.startsWith('s') || !text.startsWith('0x')) return text;
  return String(BigInt.asIntN(name.endsWith('32') ? 32 : 64, BigInt(text)));
}

/** Unsigned and signed limits of 64 bits as a sentence; narrower ones only where nothing else is known. */
function rangeWords(fields: ReadonlyMap<string, string>): string {
  const from = (low: string, high: string, bits: string, least: string): string | undefined => {
    const min = signedText(fields.get(low), low);
    const max = signedText(fields.get(high), high);
    if (min === undefined && max === undefined) return undefined;
    if (max === undefined) return `at least ${min ?? ''}${bits}`;
    return min === undefined && least === '' ? `at most ${max}${bits}` : `from ${min ?? least} to ${max}${bits}`;
  };
  const known =
    from('umin', 'umax', '', '0') ??
    from('smin', 'smax', ' (signed)', '') ??
    from('umin32', 'umax32', ' in its low 32 bits', '0') ??
    from('smin32', 'smax32', ' in its low 32 bits (signed)', '');
  if (known !== undefined) return known;
  const bits = fields.get('var_off');
  return bits === undefined ? '' : `with bits ${bits} (value; unknown)`;
}

/** The variable part of a pointer's offset. */
function variableWords(fields: ReadonlyMap<string, string>): string {
  const range = rangeWords(fields);
  return range === '' ? '' : `plus a number ${range}`;
}

function distanceWords(off: string, start: string): string {
  return off.startsWith('-') ? `${off.slice(1)} bytes before ${start}` : `${off} bytes past ${start}`;
}

function offsetWords(fields: ReadonlyMap<string, string>, start: string): string {
  const off = fields.get('off') ?? fields.get('imm');
  const parts = [off === undefined ? '' : distanceWords(off, start), variableWords(fields)];
  const given = parts.filter((part) => part !== '');
  return given.length === 0 ? `at ${start}` : given.join(', ');
}

const PLAIN: Readonly<Record<string, string>> = {
  ctx: 'the context',
  pkt_end: "the packet's end",
  sock: 'a socket',
  sock_common: 'a socket (its common part)',
  tcp_sock: 'a TCP socket',
  xdp_sock: 'an XDP socket',
  flow_keys: 'the flow keys',
  func: 'the address of a function',
  tp_buffer: "the tracepoint's buffer",
  buf: 'a buffer',
};

function pointerWords(type: string, fields: ReadonlyMap<string, string>): string {
  const map = fields.get('map');
  const ofMap = map === undefined ? 'of a map' : `of map ${map}`;
  switch (type) {
    case 'pkt':
    case 'pkt_meta': {
      const start = type === 'pkt' ? 'its start' : 'the start of the metadata';
      const range = fields.get('r') ?? '0';
      const checked =
        range === '0' ? 'no byte has been checked against the end' : `${range} bytes are known to be there`;
      return `a pointer into the packet, ${offsetWords(fields, start)}; ${checked}`;
    }
    case 'map_value':
      return `a pointer to a value ${ofMap} (${fields.get('vs') ?? '?'} bytes), ${offsetWords(fields, 'its start')}`;
    case 'map_key':
      return `a pointer to a key ${ofMap} (${fields.get('ks') ?? '?'} bytes), ${offsetWords(fields, 'its start')}`;
    case 'map_ptr':
      return map === undefined ? 'a map' : `the map ${map}`;
    case 'mem':
    case 'ringbuf_mem':
    case 'alloc_mem':
      return `a pointer to ${fields.get('sz') ?? 'some'} bytes of memory, ${offsetWords(fields, 'its start')}`;
    case 'ctx': {
      const off = offsetWords(fields, 'its start');
      return off === 'at its start' ? 'the context' : `the context, ${off}`;
    }
    case 'fp':
      return `a pointer into the stack, ${offsetWords(fields, 'its end')}`;
    default: {
      const named = /^(?:(trusted|untrusted|rcu|percpu)_)?ptr_(.*)$/.exec(type);
      if (named !== null) return `a${named[1] === undefined ? '' : ` ${named[1]}`} pointer to struct ${named[2] ?? ''}`;
      return PLAIN[type] ?? `a pointer of type ${type}`;
    }
  }
}

/**
 * One register or stack slot in words.
 * @param text as the log prints it behind the equals sign
 */
export function registerWords(text: string): string {
  if (/^[?rm0dif]{8}$/.test(text)) return slotWords(text);
  if (NUMBER.test(text)) {
    const number = text.replace(/^P/, '');
    const narrow = /^0x[89a-f][0-9a-f]{7}$/.test(number) ? ` (${String(Number(number) | 0)} in 32 bits)` : '';
    return `the number ${number}${narrow}`;
  }
  const stack = /^fp(?:\[(\d+)\])?(-?\d+)$/.exec(text);
  if (stack !== null) {
    const whose = stack[1] === undefined ? '' : ` of frame ${stack[1]}`;
    return stack[2] === '0' ? `the frame pointer${whose}` : `the address of stack${whose} at fp${stack[2] ?? ''}`;
  }
  const { type, fields } = split(text);
  if (/^P?scalar$/.test(type)) {
    const range = rangeWords(fields);
    return range === '' ? 'a number of which nothing is known' : `a number ${range}`;
  }
  const nullable = /^(.*)_or_null(_.*)?$/.exec(type);
  if (nullable !== null) {
    return `${pointerWords(`${nullable[1] ?? ''}${nullable[2] ?? ''}`, fields)}, or NULL: not yet compared with 0`;
  }
  return pointerWords(type, fields);
}

function slotWords(letters: string): string {
  if (/^m+$/.test(letters)) return '8 bytes that were written';
  if (/^0+$/.test(letters)) return '8 bytes of zeros';
  const unknown = letters.replaceAll(/[^?]/g, '').length;
  return unknown === 0 ? '8 bytes that were written' : `8 bytes, ${String(unknown)} of them never written`;
}
