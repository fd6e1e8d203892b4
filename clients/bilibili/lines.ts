/** Lines: the networks through which Bilibili takes uploads. Which ones there are depends on the place and the day. */
import * as z from 'zod';
import { jsonOf } from './envelope.ts';
import type { BilibiliHosts } from './hosts.ts';
import { type HttpRequest, send } from './http.ts';

export interface Line {
  /** `bda2`: part of the names of its servers. */
  readonly name: string;
  /** What a pre-upload says to have it. */
  readonly query: Readonly<Record<string, string>>;
  /** `//host`, where Bilibili's own list named one. */
  readonly endpoint?: string;
}

const TRIED_MAX = 8;
const TRY_MS = 5_000;
/** As other clients send; enough to tell a near line from a far one. */
const TRY_BYTES = 104_857;
/** What Bilibili's own list says since the end of 2025. */
const PROBE_VERSION = '20250923';

/** The line of a name: `bda2`, `jd_bd`, `cs-txa`. It need not exist: Bilibili then takes another one. */
export function namedLine(text: string): Line {
  const [, zone = 'cs', name = text] = /^(cs|jd|sz)[-_](.+)$/.exec(text) ?? [];
  return { name, query: { upcdn: name, zone, probe_version: PROBE_VERSION } };
}

/** The first of them to answer, all asked at once; null when Bilibili names none or none answers. No cookies are sent. */
export async function fastestLine(hosts: BilibiliHosts, signal: AbortSignal): Promise<Line | null> {
  const ended = new AbortController();
  try {
    const url = `${hosts.member}/preupload?r=probe`;
    const told = ProbeAnswer.parse(jsonOf(await send({ method: 'GET', url, timeoutMs: TRY_MS }, signal)));
    const lines = told.lines.flatMap((one) => lineOf(one) ?? []).slice(0, TRIED_MAX);
    const both = AbortSignal.any([signal, ended.signal]);
    const request = tryingWith(told.probe);
    return await Promise.any(
      lines.map(async ({ line, address }) => {
        const answer = await send({ ...request, url: `${hosts.uposScheme}:${address}` }, both);
        if (answer.status !== 200) throw new Error('this line is closed');
        return line;
      }),
    );
  } catch {
    // Without a line Bilibili chooses one: nothing is lost but perhaps some speed.
    signal.throwIfAborted();
    return null;
  } finally {
    ended.abort();
  }
}

/** Whether a server, `//host`, is the line's, by its address or by its name. */
export function isOfLine(server: string, { name, endpoint }: Line): boolean {
  return server === endpoint || new RegExp(`upcdn${name}[.:]`).test(`${server}:`);
}

const ProbeAnswer = z.object({
  OK: z.literal(1),
  lines: z.array(z.unknown()).max(100),
  probe: z.record(z.string(), z.unknown()).catch({}),
});

const ProbeLine = z.object({
  query: z.string().max(512),
  probe_url: z.string().regex(/^\/\/[\w.-]+(:\d+)?\/[\w./-]*$/),
});

function lineOf(told: unknown): { readonly line: Line; readonly address: string } | null {
  const found = ProbeLine.safeParse(told);
  if (!found.success) return null;
  const all = new URLSearchParams(found.data.query);
  const name = all.get('upcdn') ?? '';
  if (!/^[\w-]{1,24}$/.test(name)) return null;
  const query = Object.fromEntries(
    ['upcdn', 'zone', 'probe_version'].flatMap((key) => {
      const value = all.get(key);
      return value === null ? [] : [[key, value]];
    }),
  );
  const address = found.data.probe_url;
  return { line: { name, query, endpoint: address.replace(/(?<=\w)\/.*$/, '') }, address };
}

function tryingWith(probe: Readonly<Record<string, unknown>>): Omit<HttpRequest, 'url'> {
  if (probe['get']) return { method: 'GET', timeoutMs: TRY_MS };
  return { method: 'POST', body: new Uint8Array(TRY_BYTES), timeoutMs: TRY_MS };
}
