/** What the laws of digests are asked with. */
import { createCRC64 } from 'hash-wasm';
import type { DigestState } from '#core/state.ts';
import { digestRowOf } from '#core/transfer/digest-row.ts';
import { DigestAlgorithm, Digests } from '#core/wire/digest.ts';
import { CALM, type Fates } from '../simulation/process.ts';
import { digestOf } from '../simulation/streams.ts';
import type { Lab, LabFile } from './lab.ts';

/** By other code than the engine's, where there is any. */
export async function digestsOf(
  content: Uint8Array,
  algorithms: readonly DigestAlgorithm[] = DigestAlgorithm.options,
): Promise<Digests> {
  const all: Record<DigestAlgorithm, string> = {
    sha1: digestOf('sha1', content),
    md5: digestOf('md5', content),
    sha256: digestOf('sha256', content),
    crc64: (await createCRC64()).update(content).digest('hex'),
    crc64nvme: (await createCRC64('9a6c9329ac4bc9b5')).update(content).digest('hex'),
  };
  return Digests.parse(Object.fromEntries(algorithms.map((algorithm) => [algorithm, all[algorithm]])));
}

/** What the file's digest row says; null while there is none. */
export async function hashingOf(lab: Lab, { upload }: LabFile): Promise<DigestState | null> {
  return (await digestRowOf(lab.world.table, upload.uploadId, []))?.state ?? null;
}

export async function untilHashed(lab: Lab, file: LabFile): Promise<Digests> {
  await lab.until(async () => ((await hashingOf(lab, file))?.result ?? null) !== null);
  return (await hashingOf(lab, file))?.result ?? {};
}

/** What the destination was told when it opened a session for the file's transfer. */
export function toldTo(lab: Lab, rigId: string, { transferIds }: LabFile): Digests | undefined {
  const sessions = lab.world.rigs.get(rigId)?.sessions() ?? [];
  return sessions.find(({ item }) => transferIds.includes(item.transferId))?.item.digests;
}

export interface Reads extends Fates {
  /** The moments at which ranges of staged bytes were asked for. */
  readonly at: readonly number[];
}

/** Every read of staged bytes takes so long; `meets` decides what becomes of the nth one, counted from 1. */
export function slowReads(delayMs: number, meets: (read: number) => Partial<typeof CALM> = () => ({})): Reads {
  const at: number[] = [];
  return {
    at,
    of: (process, port, method) => {
      if (port !== 'source' || method !== 'read') return CALM;
      at.push(process.clock.now());
      return { ...CALM, delayMs, ...meets(at.length) };
    },
    breaksOff: () => false,
  };
}
