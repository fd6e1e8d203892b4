import { expect, it } from 'vitest';
import { lineOf } from './pair-socket.ts';

const MIB = 1024 * 1024;

function world() {
  const said: string[] = [];
  const socket = {
    readyState: 1,
    send: (text: string) => void said.push(`${text.length / MIB} MiB`),
    close(code?: number) {
      socket.readyState = 3;
      said.push(`close ${code}`);
    },
  };
  const line = lineOf(socket, () => void said.push('ended'));
  return { line, said };
}

it('who takes much and says nothing is sent away, and given no more', () => {
  const { line, said } = world();
  for (let n = 0; n < 4; n++) line.send('x'.repeat(5 * MIB));
  expect(said.slice(0, 4)).toEqual(['5 MiB', '5 MiB', 'close 1011', 'ended']);
  expect(said).not.toContain('15 MiB');
  expect(line.isOpen()).toBe(false);
});

it('who speaks now and then is told everything', () => {
  const { line, said } = world();
  for (let n = 0; n < 4; n++) {
    line.send('x'.repeat(5 * MIB));
    line.heard();
  }
  expect(said).toEqual(['5 MiB', '5 MiB', '5 MiB', '5 MiB']);
});
