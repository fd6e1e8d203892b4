/** Adds up what of a file is staged and on its way, and how fast it goes. */
import { etaSeconds, sampleSpeed, startSpeed } from './speed.ts';
import type { Surroundings } from './surroundings.ts';
import type { UploadState } from './upload-state.ts';

/** `change` is called with what is new, for each movement. */
export function byteMeter(around: Pick<Surroundings, 'nowMs'>, change: (part: Partial<UploadState>) => void) {
  const onTheirWay = new Map<number, number>();
  let speed = startSpeed(around.nowMs());
  let sizeBytes = 0;
  let stagedBytes = 0;
  let flyingBytes = 0;

  function show(deltaBytes: number, more: Partial<UploadState>): void {
    speed = sampleSpeed(speed, deltaBytes, around.nowMs());
    const sentBytes = stagedBytes + flyingBytes;
    const { bytesPerSecond } = speed;
    const etaNow = etaSeconds(sizeBytes - sentBytes, bytesPerSecond);
    change({ ...more, stagedBytes, sentBytes, bytesPerSecond, etaSeconds: etaNow });
  }

  function fly(number: number, bytes: number): number {
    const delta = bytes - (onTheirWay.get(number) ?? 0);
    if (bytes === 0) onTheirWay.delete(number);
    else onTheirWay.set(number, bytes);
    flyingBytes += delta;
    return delta;
  }

  return {
    bytesPerSecond: () => speed.bytesPerSecond,
    reset(size: number, left: number, chunksLeft: number) {
      sizeBytes = size;
      stagedBytes = size - left;
      this.stop();
      show(0, { chunksLeft });
    },
    progress(number: number, sentBytes: number) {
      const delta = fly(number, sentBytes);
      if (delta !== 0) show(delta, delta > 0 ? { movedAtMs: around.nowMs() } : {});
    },
    staged(number: number, chunkBytes: number, chunksLeft: number) {
      const flown = fly(number, 0);
      stagedBytes += chunkBytes;
      show(chunkBytes + flown, { chunksLeft, movedAtMs: around.nowMs() });
    },
    stop() {
      onTheirWay.clear();
      flyingBytes = 0;
      speed = startSpeed(around.nowMs());
    },
  };
}
