/** What every store of credentials must keep. */
import { expect } from 'vitest';
import type { Accounts } from '#core/ports/accounts.ts';
import { expectFault } from './expect-fault.ts';
import { type ContractRun, contract, type Laws } from './suite.ts';

export interface AccountsRig {
  /** A new instance each time, as another process would have. */
  accounts(): Accounts;
  /** The same store under another key. */
  withAnotherKey(): Accounts;
  /** Everything that is stored, as text. */
  stored(): Promise<string>;
  /** Copies what is stored for one id to another, as somebody could who can write to the store but has no key. */
  copy(from: string, to: string): Promise<void>;
  /** Changes one bit of the ciphertext stored for an id. */
  damage(id: string): Promise<void>;
}

export function accountsContract(run: ContractRun<AccountsRig>): void {
  contract('accounts', laws, run);
}

const SECRET = { accessToken: 'tok-in-the-clear-1', refreshToken: '令牌', cookies: ['a=1', 'b=2'], expiresAt: 12 };

const laws: Laws<AccountsRig> = {
  'what was never stored reads as null': async (rig) => {
    expect(await rig.accounts().read('pan')).toBeNull();
  },
  'what is stored is read back by any instance, each id its own': async (rig) => {
    await rig.accounts().store('pan', SECRET);
    await rig.accounts().store('oss', { accessKeyId: 'k' });
    expect((await rig.accounts().read('pan'))?.secret).toEqual(SECRET);
    expect((await rig.accounts().read('oss'))?.secret).toEqual({ accessKeyId: 'k' });
  },
  'storing again replaces the secret and raises the version': async (rig) => {
    const accounts = rig.accounts();
    await accounts.store('pan', SECRET);
    const first = await accounts.read('pan');
    await accounts.store('pan', { other: true });
    const second = await accounts.read('pan');
    expect(second?.secret).toEqual({ other: true });
    expect(second?.version).toBeGreaterThan(first?.version ?? Number.NaN);
  },
  'nothing of a secret can be read in what is stored, and the same secret twice is stored as two different things':
    async (rig) => {
      await rig.accounts().store('pan', SECRET);
      const once = await rig.stored();
      for (const word of [
        'accessToken',
        'tok-in-the-clear-1',
        '令牌',
        'a=1',
        btoa('tok-in-the-clear-1').slice(0, 20),
      ]) {
        expect(once).not.toContain(word);
      }
      await rig.accounts().store('pan', SECRET);
      expect(await rig.stored()).not.toBe(once);
    },
  'under another key it is Fault auth credentials.unreadable': async (rig) => {
    await rig.accounts().store('pan', SECRET);
    const fault = await expectFault('auth', 'credentials.unreadable', rig.withAnotherKey().read('pan'));
    expect(fault.message).not.toContain('tok-in');
  },
  'moved to another id it is Fault auth credentials.unreadable': async (rig) => {
    await rig.accounts().store('pan', SECRET);
    await rig.copy('pan', 'oss');
    await expectFault('auth', 'credentials.unreadable', rig.accounts().read('oss'));
    expect((await rig.accounts().read('pan'))?.secret).toEqual(SECRET);
  },
  'with one bit changed it is Fault auth credentials.unreadable, and storing anew mends it': async (rig) => {
    await rig.accounts().store('pan', SECRET);
    await rig.damage('pan');
    await expectFault('auth', 'credentials.unreadable', rig.accounts().read('pan'));
    await rig.accounts().store('pan', SECRET);
    expect((await rig.accounts().read('pan'))?.secret).toEqual(SECRET);
  },
  'rotate stores while the version is as read, and the version rises': async (rig) => {
    const from = await storedVersion(rig);
    expect(await rig.accounts().rotate('pan', from, { token: 2 })).toBe('stored');
    const now = await rig.accounts().read('pan');
    expect(now?.secret).toEqual({ token: 2 });
    expect(now?.version).toBeGreaterThan(from);
  },
  'rotate from an old, a future or no version is stale and changes nothing': async (rig) => {
    const from = await storedVersion(rig);
    await rig.accounts().rotate('pan', from, { token: 2 });
    const before = await rig.accounts().read('pan');
    for (const version of [0, from, from + 5]) {
      expect(await rig.accounts().rotate('pan', version, { token: 'forged' })).toBe('stale');
    }
    expect(await rig.accounts().read('pan')).toEqual(before);
    expect(await rig.accounts().rotate('never stored', 3, { token: 'forged' })).toBe('stale');
    expect(await rig.accounts().read('never stored')).toBeNull();
  },
  'of 20 racing rotations exactly one stores, and what is read is its secret': async (rig) => {
    const from = await storedVersion(rig);
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, token) => rig.accounts().rotate('pan', from, { token })),
    );
    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
    expect((await rig.accounts().read('pan'))?.secret).toEqual({ token: outcomes.indexOf('stored') });
  },
  'forget removes the secret, and repeating it is fine': async (rig) => {
    await rig.accounts().store('pan', SECRET);
    await rig.accounts().forget('pan');
    await rig.accounts().forget('pan');
    await rig.accounts().forget('never stored');
    expect(await rig.accounts().read('pan')).toBeNull();
  },
  'a rotation that began before forget is stale, also after something new is stored': async (rig) => {
    const from = await storedVersion(rig);
    await rig.accounts().forget('pan');
    expect(await rig.accounts().rotate('pan', from, { token: 'late' })).toBe('stale');
    await rig.accounts().store('pan', { token: 'new' });
    expect(await rig.accounts().rotate('pan', from, { token: 'late' })).toBe('stale');
    expect((await rig.accounts().read('pan'))?.secret).toEqual({ token: 'new' });
  },
  'a secret of 20 KiB is stored, a larger one is Fault rejected credentials.too_large': async (rig) => {
    const cookies = 'c'.repeat(20 * 1024 - 20);
    await rig.accounts().store('pan', { cookies });
    expect((await rig.accounts().read('pan'))?.secret).toEqual({ cookies });
    const large = rig.accounts().store('pan', { cookies: 'c'.repeat(20 * 1024) });
    await expectFault('rejected', 'credentials.too_large', large);
  },
};

async function storedVersion(rig: AccountsRig): Promise<number> {
  await rig.accounts().store('pan', SECRET);
  const credential = await rig.accounts().read('pan');
  if (credential === null) throw new Error('nothing was stored');
  return credential.version;
}
