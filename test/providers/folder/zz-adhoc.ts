import { ctx, finish, open, putAll, put } from '../../contract/push-rig.ts';
import { writeFileSync, readFileSync } from 'node:fs';
import { folderRig } from './rig.ts';
const [, , mode, root, state] = process.argv;
const rig = await folderRig((process.env['RULE'] ?? 'rename') as 'rename', root);
if (mode === 'go') {
  const o = await open(rig, 500_000);
  writeFileSync(state!, JSON.stringify({ session: o.session, item: o.item }));
  const r = await putAll(o);
  console.log('finishing');
  await finish(o, r);
  console.log('finished');
} else if (mode === 'eio') {
  const o = await open(rig, 1_600_000);
  const outcomes = await Promise.allSettled([1,2,3,4,5,6,7,8].map((n) => put(o, n)));
  console.log(JSON.stringify(outcomes.map((x) => x.status === 'fulfilled' ? 'ok' : `${x.reason.kind} ${x.reason.code}`)));
} else {
  const { session, item } = JSON.parse(readFileSync(state!, 'utf8'));
  const p = rig.provider();
  const h = await p.inspect(session, item, { from: 1, to: 3 }, ctx);
  const before = await rig.listFarSide();
  if (h.kind === 'partial') await p.finish(session, item, [], ctx);
  const h2 = await p.inspect(session, item, { from: 1, to: 3 }, ctx);
  console.log(h.kind, JSON.stringify(before.map((n)=>n.slice(0,12))), '->', h2.kind, JSON.stringify(await rig.listFarSide()), (await rig.read('film.mp4'))?.byteLength);
}
