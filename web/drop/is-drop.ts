/** True of addresses that are for customers, whatever else this browser is used for. Small: it is asked before anything is loaded. */
export function isDropAddress(hash: string): boolean {
  return /^#drop[=/]/.test(hash);
}
