/**
 * A process that delivers transfers of one name, several at once, until it is killed. Says which transfers it is about to
 * open, which sessions it has before their first part, and which it is about to finish: what an engine would have committed.
 */
import { bytesOf, ctx, finish, itemOf, openFor, putAll } from '../../contract/push-rig.ts';
import { folderRig } from './rig.ts';

const AT_ONCE = 6;

const [, , root = '', firstSeed = '1', rule = 'rename'] = process.argv;
if (rule !== 'rename' && rule !== 'replace') throw new Error(`no rule ${rule}`);
const rig = await folderRig(rule, root);
for (let seed = Number(firstSeed); ; seed += AT_ONCE) {
  await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => deliverAndTell(seed + n)));
}

async function deliverAndTell(seed: number): Promise<void> {
  // Replaced by a sibling, a file would rightly be gone, and prove nothing.
  const name = rule === 'replace' ? `film ${seed % AT_ONCE}.mp4` : 'film.mp4';
  const provider = rig.provider();
  const content = bytesOf(50_000 + seed, seed);
  const item = await itemOf(provider, content, { name });
  say({ event: 'opening', seed, item });
  const opened = await openFor(provider, item, content, rig.partBytes);
  say({ event: 'opened', seed, session: opened.session });
  const receipts = await putAll(opened);
  say({ event: 'finishing', seed });
  await finish(opened, receipts);
  await opened.provider.discard(opened.session, opened.item, ctx);
  say({ event: 'finished', seed });
}

function say(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
