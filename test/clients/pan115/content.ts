/** The contents that the vectors speak of, made once. */

const made = new Map<string, Buffer>();

export function bytesOf(generator: string, sizeBytes: number): Buffer {
  const name = `${generator} ${sizeBytes}`;
  const bytes = made.get(name) ?? (generator === 'F' ? ramp(sizeBytes) : noise(sizeBytes));
  made.set(name, bytes);
  return bytes;
}

function ramp(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  for (let at = 0; at < sizeBytes; at++) bytes[at] = at % 251;
  return bytes;
}

function noise(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  let state = 115;
  for (let at = 0; at < sizeBytes; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}
