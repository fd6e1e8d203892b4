/** Opening: what can be refused before a byte is sent is refused here. */
import { Fault } from '#core/fault.ts';
import type { Item } from '#core/ports/provider.ts';
import { nameTaken } from './faults.ts';
import type { Link } from './link.ts';
import { look } from './objects.ts';
import type { S3Session } from './session.ts';
import { PART_BYTES_MIN } from './settings.ts';
import { traitsOf } from './survey.ts';
import { beginUpload } from './uploads.ts';

/** A folder with this many files of one name has a loop somewhere, not a reader. */
const NAMES_MAX = 100;

export async function open(link: Link, item: Item, signal: AbortSignal): Promise<S3Session> {
  // Before any request: a key that no store would take.
  link.keyOf(item, 1);
  const traits = await traitsOf(link, signal);
  const n = await freeName(link, item, signal);
  if (item.sizeBytes === 0) return { v: 1, kind: 'empty', n };
  const wish = traits.proof === 'crc64nvme' ? 'crc64nvme' : 'none';
  const { uploadId, checksums } = await beginUpload(link, link.keyOf(item, n), item, wish, signal);
  // Smaller files have no part that is worth a copy: all of their bytes pass through here.
  const copies = traits.copies && !link.learnt.copyingIsRefused && item.sizeBytes >= PART_BYTES_MIN;
  const proof = checksums === wish ? traits.proof : 'size';
  return { v: 1, kind: 'parts', uploadId, n, proof, copies };
}

/** With `replace` nothing is asked. An object of this very transfer is no obstacle: it is an earlier try of the same file. */
async function freeName(link: Link, item: Item, signal: AbortSignal): Promise<number> {
  const { onConflict } = link.settings;
  if (onConflict === 'replace') return 1;
  for (let n = 1; n <= NAMES_MAX; n++) {
    const standing = await look(link, item, link.keyOf(item, n), signal);
    if (standing === null || standing.isOurs) return n;
    if (onConflict === 'fail') throw nameTaken('fail');
  }
  throw new Fault('rejected', 's3.exists', `there are ${NAMES_MAX} objects of this name already: move them away`);
}
