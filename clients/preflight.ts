/** The question that a browser asks a store before a page of another origin may put. */

const ANSWER_MS = 15_000;

/** `unasked`: the address that browsers use is not reached from here. Never throws. */
export async function preflightPut(
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
