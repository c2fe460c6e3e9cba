/** The fixed addresses of run state: each cell has a place of its own, below or above the registers. */
import t from 'tap';
import { cells, CELLS_END, FRAMES_BASE, REGS_BASE } from '../../vm/memory/cells.js';

const REGISTER_BYTES = 8 * 11;

t.test('no two cells lie on each other, and none in the registers or frames', (t) => {
  const taken = new Map<number, string>();
  for (const [name, at] of Object.entries(cells)) {
    t.equal(taken.get(at), undefined, name);
    taken.set(at, name);
    t.equal(at % 4, 0, `${name} is aligned`);
    t.ok(at + 4 <= REGS_BASE || at >= REGS_BASE + REGISTER_BYTES, `${name} is no register`);
    t.ok(at + 4 <= FRAMES_BASE && at < CELLS_END, `${name} is in front of the frames`);
  }
  t.end();
});
