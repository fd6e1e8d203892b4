/** Which way the bytes of parts go to one agent: it has proved that it reaches the bucket, or they go over its line. */
import { randomUUID } from 'node:crypto';
import { faultOf } from '#clients/agents/fault-text.ts';
import { writeJson } from '#clients/agents/json.ts';
import type { BucketLink, PartLink } from '#clients/agents/links.ts';
import { Fault, toFault } from '#core/fault.ts';
import type { PartBody, Span } from '#core/ports/provider.ts';
import type { StagingLinks } from '#core/ports/staging.ts';
import type { AgentBytes } from '#core/wire/agent.ts';
import { STAGING_PREFIX } from '#core/wire/keys.ts';
import type { Probe } from '#proto/generated/agent/Probe.ts';
import type { Probed__Output } from '#proto/generated/agent/Probed.ts';

/** `auto`: from the bucket where the agent reaches it, else over its line. `bucket`: never over a line. */
export interface BytesPolicy {
  readonly way: 'auto' | 'bucket';
  readonly links: StagingLinks;
}

export type Way = 'LINE' | 'BUCKET' | 'BUCKET_ONLY';

export interface Ways {
  view(): AgentBytes;
  /** Of a call that begins now. Throws Fault `transient` `agent.no_bucket`: it is sent no bytes over its line and reaches no bucket. */
  of(part: PartBody | undefined): Way;
  /** The part's bytes from this one on, to the end of the span that they lie in. Throws Fault `bug` `agent.bad_message`, and what signing throws. */
  locate(part: PartBody, from: number): Promise<PartLink>;
  /** A heartbeat has come, or the agent itself: it is asked now and then. */
  beat(): void;
  probed(probed: Probed__Output): void;
}

export interface WaysParts {
  readonly policy: BytesPolicy | null;
  readonly say: (probe: Probe) => void;
  readonly onChange: (bytes: AgentBytes, was: AgentBytes) => void;
}

/** From the signing to the first byte: what has begun by then goes on. */
const TTL_SECONDS = 300;
/** Of heartbeats, one each 30 s: between two probes, and at most after a bucket that is reached by probes and not by parts. */
const PROBE_BEATS = 10;
const PROBE_BEATS_MAX = 160;
/** What an ETag is not. */
const NO_VERSION = 'probe';

export function agentWays({ policy, say, onChange }: WaysParts): Ways {
  let bytes: AgentBytes = { way: 'line', code: null };
  let probeId = 0;
  let beatsLeft = 0;
  let beatsBetween = PROBE_BEATS;

  function become(next: AgentBytes): void {
    const was = bytes;
    bytes = next;
    if (next.way !== was.way || next.code !== was.code) onChange(next, was);
  }

  async function probe(links: StagingLinks): Promise<void> {
    probeId += 1;
    const id = probeId;
    try {
      say({ probe_id: id, link: writeJson(await nothingAt(links), LINK_BYTES_MAX) });
    } catch (error) {
      if (id === probeId) become({ way: 'line', code: toFault(error).code });
    }
  }

  return {
    view: () => bytes,

    of: (part) => {
      if (policy === null || part === undefined) return 'LINE';
      if (policy.way === 'bucket') {
        if (bytes.way === 'bucket') return 'BUCKET_ONLY';
        const why = bytes.code ?? 'it has not said whether it does';
        const text = `the agent does not reach the bucket (${why}), and this home sends no bytes over its line`;
        throw new Fault('transient', 'agent.no_bucket', text);
      }
      return bytes.way === 'bucket' && isAllSpans(part) ? 'BUCKET' : 'LINE';
    },

    locate: async (part, from) => {
      const found = policy && spanAt(part.spans, from);
      if (!found) throw new Fault('bug', 'agent.bad_message', 'the agent asked for bytes that the part has not');
      const { key, version, range } = found;
      const { url, headers } = await policy.links.presignRange({ key, version, range, ttlSeconds: TTL_SECONDS });
      return { url, headers, sizeBytes: range.end - range.start };
    },

    beat: () => {
      if (policy === null) return;
      if (beatsLeft > 0) {
        beatsLeft -= 1;
        return;
      }
      beatsLeft = beatsBetween - 1;
      void probe(policy.links);
    },

    probed: ({ probe_id, fault }) => {
      if (policy === null || (probe_id !== 0 && probe_id !== probeId)) return;
      if (probe_id === 0) {
        // Of many parts under way each says so.
        if (bytes.way === 'line') return;
        // Each time that a probe was believed for nothing the next one is later.
        beatsBetween = Math.min(beatsBetween * 2, PROBE_BEATS_MAX);
      } else if (fault === '' && bytes.way === 'bucket') {
        beatsBetween = PROBE_BEATS;
      }
      // Without another way the agent does nothing until it is asked again.
      beatsLeft = fault !== '' && policy.way === 'bucket' ? 0 : beatsBetween - 1;
      become(fault === '' ? { way: 'bucket', code: null } : { way: 'line', code: faultOf(fault).code });
    },
  };
}

const LINK_BYTES_MAX = 16_384;

/** A GET of what is not there: the store that says so has read our signature. */
async function nothingAt(links: StagingLinks): Promise<BucketLink> {
  const { url, headers } = await links.presignRange({
    key: `${STAGING_PREFIX}probe/${randomUUID()}`,
    version: NO_VERSION,
    range: { start: 0, end: 1 },
    ttlSeconds: TTL_SECONDS,
  });
  return { url, headers };
}

function isAllSpans({ spans, sizeBytes }: PartBody): boolean {
  return spans.reduce((sum, { range }) => sum + range.end - range.start, 0) === sizeBytes;
}

function spanAt(spans: readonly Span[], from: number): Span | null {
  let before = 0;
  for (const span of spans) {
    const { start, end } = span.range;
    if (from >= before && from < before + end - start) return { ...span, range: { start: start + from - before, end } };
    before += end - start;
  }
  return null;
}
