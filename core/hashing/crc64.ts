/** A reflected CRC-64 by tables, eight bytes at a step; numbers have 32 bits to work with, so each remainder is two. */
import type { SavableHasher } from './hasher.ts';

const LANES = 8;
/**
 * Passed by one call. V8 compiles a loop that runs for long before it has seen what comes after it, and gives that up at each end of the
 * loop: in every third process of workerd for good, at a fiftieth of the speed. A function that ends often is compiled as a whole.
 */
const CALL_BYTES = 1024;
const ENTRY_BYTES = 8;
const LANE_BYTES = 256 * ENTRY_BYTES;

/** The halves of the polynomial, reflected. The remainder begins and ends inverted. */
export function crc64Hasher(polyHigh: number, polyLow: number): SavableHasher {
  const table = tableOf(polyHigh, polyLow);
  let left: Remainder = [-1, -1];

  const update = (bytes: Uint8Array): void => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const inEights = bytes.byteLength - (bytes.byteLength % LANES);
    for (let at = 0; at < inEights; at += CALL_BYTES) {
      left = passedByEights(table, view, at, Math.min(at + CALL_BYTES, inEights), left);
    }
    left = passedByOnes(table, view, inEights, left);
  };

  function digest(as: 'hex'): string;
  function digest(as: 'binary'): Uint8Array;
  function digest(as: 'hex' | 'binary'): string | Uint8Array {
    const bytes = bytesOf([~left[0], ~left[1]]);
    return as === 'hex' ? bytes.toString('hex') : bytes;
  }

  return {
    update,
    digest,
    save: () => bytesOf(left),
    load: (state) => {
      const view = new DataView(state.buffer, state.byteOffset, state.byteLength);
      left = [view.getInt32(0), view.getInt32(4)];
    },
  };
}

/** The high and the low 32 bits. */
type Remainder = readonly [number, number];

function passedByEights(
  table: DataView,
  view: DataView,
  start: number,
  end: number,
  [high, low]: Remainder,
): Remainder {
  let [h, l] = [high, low];
  for (let at = start; at < end; at += LANES) {
    const first = view.getInt32(at, true) ^ l;
    const last = view.getInt32(at + 4, true) ^ h;
    h = 0;
    l = 0;
    for (let lane = 0; lane < 4; lane++) {
      // The first byte has seven more behind it.
      const front = (7 - lane) * LANE_BYTES + ((first >>> (8 * lane)) & 0xff) * ENTRY_BYTES;
      const back = (3 - lane) * LANE_BYTES + ((last >>> (8 * lane)) & 0xff) * ENTRY_BYTES;
      h ^= table.getInt32(front) ^ table.getInt32(back);
      l ^= table.getInt32(front + 4) ^ table.getInt32(back + 4);
    }
  }
  return [h, l];
}

function passedByOnes(table: DataView, view: DataView, start: number, [high, low]: Remainder): Remainder {
  let [h, l] = [high, low];
  for (let at = start; at < view.byteLength; at++) {
    const entry = ((l ^ view.getUint8(at)) & 0xff) * ENTRY_BYTES;
    l = ((l >>> 8) | (h << 24)) ^ table.getInt32(entry + 4);
    h = (h >>> 8) ^ table.getInt32(entry);
  }
  return [h, l];
}

function bytesOf([high, low]: Remainder): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeInt32BE(high, 0);
  bytes.writeInt32BE(low, 4);
  return bytes;
}

/** For each byte, what it leaves behind after itself and up to seven zero bytes. */
function tableOf(polyHigh: number, polyLow: number): DataView {
  const table = new DataView(new ArrayBuffer(LANES * LANE_BYTES));
  for (let byte = 0; byte < 256; byte++) {
    let [high, low] = [0, byte];
    for (let bit = 0; bit < 8; bit++) {
      const carry = -(low & 1);
      low = ((low >>> 1) | (high << 31)) ^ (polyLow & carry);
      high = (high >>> 1) ^ (polyHigh & carry);
    }
    table.setInt32(byte * ENTRY_BYTES, high);
    table.setInt32(byte * ENTRY_BYTES + 4, low);
  }
  for (let at = LANE_BYTES; at < table.byteLength; at += ENTRY_BYTES) {
    const [high, low] = [table.getInt32(at - LANE_BYTES), table.getInt32(at - LANE_BYTES + 4)];
    const entry = (low & 0xff) * ENTRY_BYTES;
    table.setInt32(at, (high >>> 8) ^ table.getInt32(entry));
    table.setInt32(at + 4, ((low >>> 8) | (high << 24)) ^ table.getInt32(entry + 4));
  }
  return table;
}
