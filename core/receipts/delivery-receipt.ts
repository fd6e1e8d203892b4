/** What a home can say of a delivery: its transfer's row and nothing else, so that it says the same whenever it is asked. */
import { Fault } from '#core/fault.ts';
import type { HeadState } from '#core/state.ts';
import { DigestAlgorithm, type Digests } from '#core/wire/digest.ts';
import type { DeliveryReceipt, DigestWitness, WitnessedDigest } from '#core/wire/receipt.ts';
import { isoTime } from '#core/wire/time.ts';
import type { Evidence } from '#core/wire/transfer.ts';

/** `home` is the fingerprint of the key that will sign. Throws Fault `rejected` `transfer.not_delivered`. */
export function deliveryReceipt({ file, step, startedAt }: HeadState, home: string): DeliveryReceipt {
  if (step.phase !== 'done') {
    throw new Fault('rejected', 'transfer.not_delivered', 'a receipt is of what was delivered, and this was not');
  }
  const { receipt, instant, endedAt, parts, provider = null, staged = {} } = step;
  const { evidence, checkedBy = null, location, remoteId = null, told = {} } = receipt;
  return {
    v: 1,
    home,
    transferId: file.transferId,
    file: { name: file.name, sizeBytes: file.sizeBytes },
    announcedAt: isoTime(file.createdAt),
    startedAt: startedAt === null ? null : isoTime(startedAt),
    deliveredAt: isoTime(endedAt),
    destination: { id: file.destinationId, kind: provider, folder: file.folder, location, remoteId },
    evidence: { grade: evidence, checkedBy, parts, means: MEANS[evidence] },
    instant,
    digests: witnessed({ client: file.claimed, staged, destination: told }),
  };
}

const MEANS: Readonly<Record<Evidence, string>> = {
  A: 'the destination proved a hash of all bytes',
  B: 'the destination proved a hash of each part as it came, and the size of the whole',
  C: 'the destination proved the size or less: what it has was not compared with what was sent',
};

function witnessed(told: Readonly<Record<DigestWitness, Digests>>): WitnessedDigest[] {
  return DigestAlgorithm.options.flatMap((algorithm) => {
    const entries = new Map<string, DigestWitness[]>();
    for (const from of ['client', 'staged', 'destination'] as const) {
      const hex = told[from][algorithm];
      if (hex !== undefined) entries.set(hex, [...(entries.get(hex) ?? []), from]);
    }
    return [...entries].map(([hex, from]) => ({ algorithm, hex, from }));
  });
}
