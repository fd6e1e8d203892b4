/** Where other machines of the same network reach this one. */
import { networkInterfaces } from 'node:os';

/** The first IPv4 address that is neither loopback nor link-local; loopback where there is none. */
export function ownAddress(interfaces = networkInterfaces()): string {
  const all = Object.values(interfaces).flatMap((addresses) => addresses ?? []);
  const found = all.find(
    ({ family, internal, address }) => family === 'IPv4' && !internal && !/^169\.254\./.test(address),
  );
  return found?.address ?? '127.0.0.1';
}
