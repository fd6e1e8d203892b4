/** Which kinds of destinations a home has, and what a function can deliver to. */
import { browserKinds, loginKinds, providerKinds } from '#providers/index.ts';
import type { Drivers } from './deps.ts';

/** A sandbox's disk is gone with it: what is delivered there is lost. */
const OF_ONE_MACHINE: ReadonlySet<string> = new Set(['folder']);

const isAnywhere = ({ id }: { readonly id: string }): boolean => !OF_ONE_MACHINE.has(id);

/** Every kind but those whose place is the machine that the code runs on. `sealKey` is 32 bytes, base64. */
export function cloudDrivers(sealKey: string): Drivers {
  return {
    kinds: providerKinds.filter(isAnywhere),
    browsers: browserKinds.filter(isAnywhere),
    logins: loginKinds.filter(isAnywhere),
    sealKey,
  };
}
