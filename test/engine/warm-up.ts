/** Compiling a hash takes real time, once: from then on it takes a turn of the event loop, which a virtual clock waits for. */
import { createCRC64, createMD5, createSHA1, createSHA256 } from 'hash-wasm';

export async function warmUpHashes(): Promise<void> {
  await Promise.all([createSHA1(), createMD5(), createSHA256(), createCRC64()]);
}
