import fc from 'fast-check';
import { expect, it } from 'vitest';
import { closed, EMPTY_TREE, grown, lineAfter, lineage, linesOf, opened, parentOf } from '../../web/app/folder-tree.ts';

const folder = (name: string) => ({ name, isReadOnly: false });
const page = (...names: string[]) => ({ items: names.map(folder), next: null });

const tree = opened(
  grown(grown(grown(EMPTY_TREE, '/', { items: ['a', 'b'].map(folder), next: '2' }), '/a', page('x')), '/b', page()),
  '/a',
);
const drawn = (lines: ReturnType<typeof linesOf>) =>
  lines.map((line) => `${line.level} ${line.path} ${line.kind === 'folder' ? line.state : 'more'}`);

it('shows what is open, what may be opened, what is empty, and that there is more', () => {
  expect(drawn(linesOf(tree, 'nas'))).toEqual([
    '1 / open',
    '2 /a open',
    '3 /a/x closed',
    '2 /b leaf',
    '2 ///more more',
  ]);
  expect(drawn(linesOf(closed(tree, '/a'), 'nas'))).toEqual(['1 / open', '2 /a closed', '2 /b leaf', '2 ///more more']);
});

it('a page that repeats what was there, or a folder made meanwhile, is not shown twice', () => {
  const twice = grown(tree, '/', page('b', 'c'));
  expect(twice.branches.get('/')).toEqual({ folders: ['a', 'b', 'c'].map(folder), next: null });
});

it('keys lead down, up, to both ends, and by letters around', () => {
  const lines = linesOf(tree, 'nas');
  expect(['ArrowDown', 'ArrowUp', 'Home', 'End'].map((key) => lineAfter(key, lines, 1))).toEqual([2, 0, 0, 4]);
  expect(lineAfter('ArrowDown', lines, 4)).toBe(4);
  expect(lineAfter('ArrowUp', lines, 0)).toBe(0);
  expect([lineAfter('B', lines, 0), lineAfter('a', lines, 3), lineAfter('z', lines, 0)]).toEqual([3, 1, null]);
  expect(['Enter', 'Tab', ' '].map((key) => lineAfter(key, lines, 1))).toEqual([null, null, null]);
});

it('a path is the last of its line, which begins at the top', () => {
  const name = fc.stringMatching(/^[a-z影]{1,4}$/);
  fc.assert(
    fc.property(fc.array(name, { maxLength: 5 }), (names) => {
      const path = `/${names.join('/')}`;
      const line = lineage(path);
      expect([line[0], line.at(-1), line.length]).toEqual(['/', path, names.length + 1]);
      expect(line.slice(1).map(parentOf)).toEqual(line.slice(0, -1));
    }),
  );
});
