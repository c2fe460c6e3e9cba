/** What the names of iterators' kernel functions say. */

/** Whether calling the kfunc takes an iterator one step on. */
export function isIterNext(name: string): boolean {
  return /^bpf_iter_\w+_next$/.test(name);
}
