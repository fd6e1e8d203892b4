/**
 * What the laws of the contracts use of vitest, for workerd, where vitest does not run: tests are kept by their titles, to be run one
 * a request. A matcher that is not here is no function, and so fails its law.
 */
import { isDeepStrictEqual } from 'node:util';

type Check = () => Promise<void> | void;

const checks = new Map<string, Check>();
let group = '';

export function describe(title: string, declare: () => void): void {
  const outer = group;
  group = `${outer}${title} › `;
  declare();
  group = outer;
}

export function it(title: string, check: Check): void {
  checks.set(`${group}${title}`, check);
}

/** `GET` answers the titles, `POST` with one of them runs it and answers what it failed of, or nothing. */
export async function answerLaws(request: Request): Promise<Response> {
  if (request.method === 'GET') return Response.json([...checks.keys()]);
  const check = checks.get(await request.text());
  if (check === undefined) return new Response('there is no such law here', { status: 404 });
  try {
    await check();
    return new Response();
  } catch (error) {
    return new Response(error instanceof Error ? `${error.stack} ${JSON.stringify(error)}` : String(error));
  }
}

export function expect(actual: unknown) {
  return { ...matchers(actual, true), not: matchers(actual, false), rejects: rejects(actual) };
}

function matchers(actual: unknown, isWanted: boolean) {
  const say = (holds: boolean, what: string, expected?: unknown) => {
    if (holds !== isWanted)
      throw new Error(`${shown(actual)} ${isWanted ? 'is not' : 'is'} ${what} ${shown(expected)}`);
  };
  const items = (value: unknown) => (typeof value === 'string' || Array.isArray(value) ? value : []);
  return {
    toBe: (expected: unknown) => say(Object.is(actual, expected), 'the same as', expected),
    toEqual: (expected: unknown) => say(isDeepStrictEqual(plain(actual), plain(expected)), 'equal to', expected),
    toMatchObject: (expected: object) => say(hasAll(actual, expected), 'like', expected),
    toBeNull: () => say(actual === null, 'null'),
    toBeOneOf: (expected: readonly unknown[]) => say(expected.includes(actual), 'one of', expected),
    toContain: (expected: string) => say(items(actual).includes(expected), 'with', expected),
    toHaveLength: (expected: number) => say(lengthOf(actual) === expected, 'of the length', expected),
    toBeLessThan: (expected: number) => say(Number(actual) < expected, 'less than', expected),
    toBeLessThanOrEqual: (expected: number) => say(Number(actual) <= expected, 'at most', expected),
  };
}

function rejects(actual: unknown) {
  const reason = async () => {
    const outcome = await Promise.resolve(actual).then(
      (value: unknown) => ({ value }),
      (error: unknown) => ({ error }),
    );
    if ('value' in outcome) throw new Error(`it answered ${shown(outcome.value)} instead of rejecting`);
    return matchers(outcome.error, true);
  };
  return {
    toBe: async (expected: unknown) => (await reason()).toBe(expected),
    toMatchObject: async (expected: object) => (await reason()).toMatchObject(expected),
  };
}

/** Bytes are equal whatever kind of array holds them, and what is undefined is not there. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries.map(([name, each]) => [name, plain(each)]));
}

function hasAll(actual: unknown, expected: object): boolean {
  if (typeof actual !== 'object' || actual === null) return false;
  return Object.entries(expected).every(([name, value]) => isDeepStrictEqual(Reflect.get(actual, name), value));
}

function lengthOf(value: unknown): unknown {
  return typeof value === 'string' ? value.length : Reflect.get(Object(value), 'length');
}

function shown(value: unknown): string {
  return value instanceof Error ? String(value) : (JSON.stringify(value) ?? 'undefined').slice(0, 300);
}
