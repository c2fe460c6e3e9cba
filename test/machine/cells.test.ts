/** The fixed addresses of run state. */
import t from 'tap';
import { cells, CELLS_END, FRAMES_BASE, REGS_BASE } from '../../vm/memory/cells.js';

const REGISTER_BYTES = 8 * 11;

t.test('no two cells share an address, and none lies in the registers or frames', (t) => {
  const taken = new Map<number, string>();
  for (const [name, at] of Object.entries(cells)) {
    t.equal(taken.get(at), undefined, name);
    taken.set(at, name);
    t.notOk(at >= REGS_BASE && at < REGS_BASE + REGISTER_BYTES, `${name} is no register`);
    t.ok(at < FRAMES_BASE && at < CELLS_END, `${name} is in front of the frames`);
  }
  t.end();
});
