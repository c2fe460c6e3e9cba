/** load, attach, run: results, choice of program, clock, effects, options. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { load } from '../../vm/datapath/datapath.js';
import { toHex } from '../../vm/bytes.js';

const SMALL = { memoryBytes: 2 ** 25 } as const;

function object(name: string): Uint8Array {
  return readFileSync(`bpf/${name}.bpf.o`);
}

/** An Ethernet frame with an IPv4 UDP header. */
function udpFrame(source: readonly number[], port: number): Uint8Array {
  const frame = new Uint8Array(60);
  frame.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0]);
  frame.set([...source, 192, 0, 2, 1, 0x30, 0x39, port >> 8, port & 255, 0, 26], 26);
  return frame;
}

t.test('one packet, one verdict', (t) => {
  const firewall = load(object('firewall'), SMALL).attach();
  const pass = firewall.run(udpFrame([192, 0, 2, 7], 53));
  t.match(pass, { verdict: 'XDP_PASS', code: 2, events: [], trace: [] });
  t.ok(pass.insns > 0);
  t.equal(pass.trap, undefined);
  t.equal(toHex(pass.packet), toHex(udpFrame([192, 0, 2, 7], 53)), 'the packet is as it was');
  const drop = firewall.run(udpFrame([198, 51, 100, 66], 53));
  t.match(drop, { verdict: 'XDP_DROP', code: 1, events: [{ map: 'events', cpu: 0 }] });
  t.end();
});

t.test('the clock comes with the packet and never goes back', (t) => {
  const firewall = load(object('firewall'), SMALL).attach();
  const verdictAt = (sec: number): string => firewall.run(udpFrame([192, 0, 2, 9], 53), { sec }).verdict;
  for (let i = 0; i < 50; i++) verdictAt(1000);
  t.equal(verdictAt(1000), 'XDP_DROP', 'the bucket of 50 is empty');
  t.equal(verdictAt(10), 'XDP_DROP', 'an earlier packet does not fill it');
  t.equal(verdictAt(1001), 'XDP_PASS', 'a second later it is full again');
  t.end();
});

t.test('two datapaths share nothing', (t) => {
  const options = { ...SMALL };
  const [a, b] = [load(object('firewall'), options).attach(), load(object('firewall'), options).attach()];
  for (let i = 0; i < 51; i++) a.run(udpFrame([192, 0, 2, 9], 53));
  t.equal(a.run(udpFrame([192, 0, 2, 9], 53)).verdict, 'XDP_DROP');
  t.equal(b.run(udpFrame([192, 0, 2, 9], 53)).verdict, 'XDP_PASS');
  t.end();
});

t.test('maps from outside', (t) => {
  const datapath = load(object('firewall'), SMALL);
  const firewall = datapath.attach();
  t.equal(firewall.run(udpFrame([192, 0, 2, 7], 4711)).verdict, 'XDP_PASS');
  const ports = datapath.map('ports');
  const key = new Uint8Array(ports.spec.keyBytes);
  t.equal(ports.get(key), undefined);
  t.throws(() => ports.get(new Uint8Array(1)), { code: 'config-value', data: { want: ports.spec.keyBytes } });
  t.throws(() => datapath.map('nat'), { code: 'config-value', hint: /it has .*ports/ });
  t.end();
});

t.test('a trap carries its place in the C source', (t) => {
  const trapped = load(object('examples/bad-access'), SMALL).attach('past_packet').run(new Uint8Array(64));
  t.match(trapped, {
    verdict: 'XDP_ABORTED',
    trap: {
      name: 'memory',
      message: 'out of bounds read of 4 bytes at packet+4000 (packet is 64 bytes)',
      func: 'past_packet',
      pc: 1,
      section: 'xdp',
      line: { file: /bad-access\.bpf\.c$/, text: /words\[1000\]/ },
    },
  });
  t.end();
});

t.test('choice of program', (t) => {
  t.throws(() => load(object('examples/bad-access'), SMALL).attach(), {
    code: 'config-value',
    hint: /past_packet \(xdp\)/,
  });
  t.throws(() => load(object('firewall'), SMALL).attach('no'), { code: 'config-value', hint: /firewall \(xdp\)/ });
  t.throws(() => load(object('examples/tc'), SMALL).attach(), { code: 'config-value' });
  t.end();
});

t.test('fuel ends an endless loop', (t) => {
  const { trap, insns } = load(object('examples/bad-access'), { ...SMALL, fuel: 1000 })
    .attach('endless')
    .run(new Uint8Array(64));
  t.match(trap, { name: 'fuel' });
  t.ok(insns > 1000 && insns < 1100, String(insns));
  t.end();
});
