/** Each cell has a place of its own, below or above the registers. */
import t from 'tap';
import { cells, FRAMES_BASE, REGS_BASE } from '../../vm/memory/cells.js';

t.test('no two cells lie on each other', (t) => {
  const at = Object.values(cells);
  t.equal(new Set<number>(at).size, at.length);
  const isFree = (each: number): boolean =>
    each + 4 <= REGS_BASE || (each >= REGS_BASE + 8 * 11 && each + 4 <= FRAMES_BASE);
  t.ok(at.every((each) => each % 4 === 0 && isFree(each)));
  t.end();
});
