import { runSeed } from './run-seed.ts';

const n = Number(process.argv[2] ?? 60);
const slow: [number, number, number, number][] = [];
const t0 = performance.now();
for (let s = 1; s <= n; s++) {
  const t = performance.now();
  const r = await runSeed(s);
  slow.push([performance.now() - t, s, r.steps, r.effects]);
}
console.log('seeds/s', (n / (performance.now() - t0)) * 1000);
slow.sort((a, b) => b[0] - a[0]);
console.log(slow.slice(0, 12));
console.log('median', slow[Math.floor(n / 2)]);
