/** `entrepot verify`: a receipt and the file it is of, checked on this machine alone. */
import { open } from 'node:fs/promises';
import type { Clock } from '#core/ports/clock.ts';
import { quickHasher } from '#core/transfer/digesting.ts';
import type { DeliveryReceipt, DigestWitness, WitnessedDigest } from '#core/wire/receipt.ts';
import { type CheckLog, checkLog } from './check-log.ts';
import { printable } from './format.ts';
import { openLocalFile } from './local-file.ts';
import { Problem } from './problem.ts';
import { fingerprintsIn, openReceipt } from './signed-receipt.ts';
import type { Terminal } from './terminal.ts';

export interface VerifyPorts {
  readonly clock: Clock;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

export interface Verification {
  readonly receiptPath: string;
  /** Absent: of the file nothing is checked. */
  readonly filePath?: string | undefined;
  /** Files with keys of homes that are trusted, or their fingerprints. */
  readonly keys: readonly string[];
}

/** Far more than a receipt or a set of keys has. */
const TEXT_BYTES_MAX = 256 * 1024;
const FINGERPRINT = /^[\w-]{43}$/;

/** Answers how many checks failed. What is not told to be proved is not. */
export async function verifyReceipt(ports: VerifyPorts, { receiptPath, filePath, keys }: Verification) {
  const { terminal } = ports;
  const log = checkLog(ports);
  const receipt = await log.find('signature', async () => {
    const opened = openReceipt(await readText(receiptPath));
    return [opened, 'nothing was changed since it was signed'];
  });
  if (receipt === null) return log.failures();
  await log.check('home', () => homeOf(receipt, keys));
  const matching = filePath === undefined ? [] : await compare(ports, log, receipt, filePath);
  if (filePath === undefined) log.leaveOut('file', 'none was given, so none was compared');
  if (terminal.isInteractive) for (const line of saying(receipt)) terminal.print(printable(line));
  else terminal.tell({ event: 'receipt', ...receipt });
  if (log.failures() === 0 && filePath !== undefined) {
    const verdict = verdictOf(receipt, matching);
    if (terminal.isInteractive) terminal.print(verdict);
    else terminal.tell({ event: 'verdict', message: verdict });
  }
  return log.failures();
}

async function homeOf({ home }: DeliveryReceipt, keys: readonly string[]): Promise<string> {
  const trusted: string[] = [];
  for (const key of keys) trusted.push(...(FINGERPRINT.test(key) ? [key] : fingerprintsIn(await readText(key))));
  if (trusted.includes(home)) return `${home}, by a key that you trust`;
  const message =
    keys.length === 0
      ? `signed by ${home}, by a key that came with the receipt: anybody can make one. If that is the home that you mean, add --key ${home}`
      : `signed by ${home}, which is none of the keys that you gave`;
  throw new Problem('receipt.key_unknown', message);
}

/** Those of the receipt's digests that the file has. It is read once, whatever its size, in pieces. */
async function compare({ signal }: VerifyPorts, log: CheckLog, receipt: DeliveryReceipt, path: string) {
  const matching: WitnessedDigest[] = [];
  const { sizeBytes } = receipt.file;
  const file = await log.find('size', async () => {
    const opened = await openLocalFile(path);
    if (opened.sizeBytes === sizeBytes) return [opened, `${sizeBytes} bytes`];
    await opened.close();
    throw new Problem('file.size_differs', `the file has ${opened.sizeBytes} bytes, the receipt is of ${sizeBytes}`);
  });
  if (file === null) return matching;
  if (sizeBytes === 0) {
    await file.close();
    return matching;
  }
  try {
    if (receipt.digests.length === 0) {
      const message = 'this receipt has no digest: a changed file of the same size could not be told apart';
      await log.check('content', () => Promise.reject(new Problem('receipt.no_digest', message)));
      return matching;
    }
    const algorithms = [...new Set(receipt.digests.map(({ algorithm }) => algorithm))];
    const found = await log.find('reading', async () => {
      const hashers = await Promise.all(algorithms.map(async (name) => [name, await quickHasher(name)] as const));
      for await (const bytes of file.read(0, sizeBytes)) {
        signal.throwIfAborted();
        for (const [, hasher] of hashers) hasher.update(bytes);
      }
      await file.assertUnchanged();
      return [new Map(hashers.map(([name, hasher]) => [name, hasher.digest('hex')])), algorithms.join(', ')];
    });
    if (found === null) return matching;
    for (const digest of receipt.digests) {
      const { algorithm, hex, from } = digest;
      const same = await log.check(algorithm, async () => {
        if (found.get(algorithm) === hex) return `${hex}, ${from.map((witness) => WITNESSES[witness]).join(', ')}`;
        throw new Problem(
          'file.digest_differs',
          `this is not the file: its ${algorithm} is ${found.get(algorithm)}, the receipt has ${hex}`,
        );
      });
      if (same !== null) matching.push(digest);
    }
  } finally {
    await file.close();
  }
  return matching;
}

const WITNESSES: Readonly<Record<DigestWitness, string>> = {
  client: 'announced by the sender',
  staged: 'computed by the home from what was sent to it',
  destination: 'told or compared by the destination',
};

function saying({ file, destination, evidence, deliveredAt, transferId, instant }: DeliveryReceipt): string[] {
  const { id, kind, location } = destination;
  return [
    `It says: ${transferId} was delivered at ${deliveredAt}${instant ? ', without a byte being sent' : ''}.`,
    `  file         ${file.name} (${file.sizeBytes} bytes)`,
    `  destination  ${id}${kind === null ? '' : ` (${kind})`}, ${location}`,
    `  evidence     ${evidence.grade}: ${evidence.means}`,
  ];
}

/** What a file that fits is proved to be. What the destination has done with it since, nobody can say. */
function verdictOf({ file, evidence, digests }: DeliveryReceipt, matching: readonly WitnessedDigest[]): string {
  if (file.sizeBytes === 0) return 'This file is empty, and so was the one that was delivered.';
  const by = (witness: DigestWitness) => matching.some(({ from }) => from.includes(witness));
  const crcOnly = digests.every(({ algorithm }) => algorithm.startsWith('crc'));
  const caution = crcOnly ? ' A CRC finds damage; it stops nobody who makes another file with the same one.' : '';
  if (by('destination')) return `This file is the one that the destination had when the delivery ended.${caution}`;
  if (by('staged')) {
    return `This file is the one that the home sent. Of what arrived the destination proved ${PROVED[evidence.grade]}.${caution}`;
  }
  return `This file is the one that was announced. The home itself has computed nothing of it.${caution}`;
}

const PROVED = { A: 'a hash of all bytes', B: 'a hash of each part', C: 'the size at most' } as const;

async function readText(path: string): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(TEXT_BYTES_MAX), 0, TEXT_BYTES_MAX, 0);
    if (bytesRead < TEXT_BYTES_MAX) return buffer.toString('utf8', 0, bytesRead);
    throw new Problem('receipt.unreadable', 'this is too long for a receipt or a key');
  } finally {
    await handle.close();
  }
}
