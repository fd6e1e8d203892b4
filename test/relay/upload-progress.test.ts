import { expect, it } from 'vitest';
import { uploadProgressCodec } from '../../relay/upload-progress.ts';
import { transferId, transferView } from './views.ts';

it('what is gone is no longer in the list', () => {
  const codec = uploadProgressCodec(() => 0);
  const ids = (texts: readonly string[]) =>
    texts.flatMap((text) => JSON.parse(text).data.uploads.map(({ id }: { id: string }) => id));
  const transfers = [transferView(1), transferView(2)];
  expect(ids(codec.encode({ event: 'snapshot', data: { epoch: 'e', seq: 0, transfers } }))).toHaveLength(2);
  const removed = [transferId(2)];
  expect(ids(codec.encode({ event: 'changes', data: { seq: 1, transfers: [], removed } }))).toEqual([transferId(1)]);
});
