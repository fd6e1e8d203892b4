/** Whether pages may put into a bucket: asked as a browser asks, and allowed where nobody has decided yet. */

/**
 * `open`: it lets pages put. `made`: it does since we set its rules. `theirs`: rules of somebody else's keep this page out, and were
 * left alone. `shut`: there are no rules and we may not set them. `unasked`: the address that browsers use is not reached from here.
 */
export type BrowserAccess = 'open' | 'made' | 'theirs' | 'shut' | 'unasked';

/** What a page needs. POST is for forms, which some uploaders of others send. */
export const PAGE_RULE = {
  origins: ['*'],
  methods: ['PUT', 'POST', 'GET', 'HEAD'],
  headers: ['*'],
  maxAgeSeconds: 3_600,
};

export interface Bucket {
  /** A presigned put, as a page would be given it. */
  presign(): Promise<{ readonly url: string; readonly headers: Readonly<Record<string, string>> }>;
  /** Whether there are rules. Where they cannot be read they are somebody's, and nobody's to overwrite. */
  hasRules(signal: AbortSignal): Promise<boolean>;
  setRules(signal: AbortSignal): Promise<void>;
  sleep(ms: number): Promise<void>;
}

const ANSWER_MS = 15_000;
/** New rules may take a moment to be everywhere. */
const LOOKS_MAX = 5;
const LOOK_MS = 1_000;

/** Throws only what presigning throws. */
export async function openToBrowsers(bucket: Bucket, pageOrigin: string): Promise<BrowserAccess> {
  const ask = async () => {
    const { url, headers } = await bucket.presign();
    return preflightPut(url, Object.keys(headers), pageOrigin);
  };
  const first = await ask();
  if (first !== 'shut') return first;
  if (await bucket.hasRules(AbortSignal.timeout(ANSWER_MS)).catch(() => true)) return 'theirs';
  try {
    await bucket.setRules(AbortSignal.timeout(ANSWER_MS));
  } catch {
    // Whatever the reason: it is told as "shut", and what to do about it is the same.
    return 'shut';
  }
  for (let look = 1; look <= LOOKS_MAX; look++) {
    if ((await ask()) === 'open') return 'made';
    await bucket.sleep(LOOK_MS);
  }
  return 'shut';
}

/** `unasked`: the address that browsers use is not reached from here. Never throws. */
async function preflightPut(
  url: string,
  headerNames: readonly string[],
  pageOrigin: string,
): Promise<'open' | 'shut' | 'unasked'> {
  const answer = await fetch(url, {
    method: 'OPTIONS',
    headers: {
      origin: pageOrigin,
      'access-control-request-method': 'PUT',
      ...(headerNames.length === 0 ? {} : { 'access-control-request-headers': headerNames.join(', ') }),
    },
    signal: AbortSignal.timeout(ANSWER_MS),
  }).catch(() => null);
  if (answer === null) return 'unasked';
  await answer.body?.cancel();
  const origin = answer.headers.get('access-control-allow-origin');
  const isLetIn =
    answer.ok &&
    (origin === '*' || origin === pageOrigin) &&
    names(answer.headers.get('access-control-allow-methods'), 'put') &&
    headerNames.every((name) => names(answer.headers.get('access-control-allow-headers'), name));
  return isLetIn ? 'open' : 'shut';
}

function names(list: string | null, wanted: string): boolean {
  const words = (list ?? '').toLowerCase().split(/\s*,\s*/);
  return words.includes('*') || words.includes(wanted);
}
