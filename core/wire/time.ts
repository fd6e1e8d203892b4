/** Times are epoch milliseconds inside and ISO 8601 on the wire. */

export function isoTime(atMs: number): string {
  // biome-ignore lint/style/noRestrictedGlobals: a pure conversion; the present time comes from the Clock port
  return new Date(atMs).toISOString();
}

/** Throws nothing: what is no time is NaN. */
export function epochMs(isoText: string): number {
  // biome-ignore lint/style/noRestrictedGlobals: a pure conversion; the present time comes from the Clock port
  return Date.parse(isoText);
}
