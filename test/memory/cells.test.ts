/** Each cell has a place of its own, below the registers. */
import t from 'tap';
import { cells, REGS_BASE } from '../../vm/memory/cells.js';

t.test('no two cells lie on each other', (t) => {
  const at = Object.values(cells);
  t.equal(new Set<number>(at).size, at.length);
  t.ok(at.every((each) => each % 4 === 0 && each + 4 <= REGS_BASE));
  t.end();
});
