import { describe, expect, it } from 'vitest';
import { totpCode } from '#clients/clouddrive2/totp.ts';
import { ACCOUNT } from '../../fakes/clouddrive2/server.ts';
import { faultOf, rig } from './rig.ts';

/** `12345678901234567890`, the secret of the test values of RFC 6238. */
const RFC_SECRET = 'GEZD GNBV GY3T QOJQ GEZDGNBVGY3TQOJQ';
const credentials = { kind: 'account', userName: ACCOUNT.userName, password: ACCOUNT.password } as const;

describe('tokens of CloudDrive2', () => {
  it('many calls at once sign in once', async () => {
    await using it = await rig({ credentials });
    await Promise.all(Array.from({ length: 8 }, () => it.client.mountList(it.signal)));
    expect(it.fake.countOf('GetToken')).toBe(1);
  });

  it('a token is renewed 60 s before its end, and not earlier', async () => {
    await using it = await rig({ credentials, tokenTtlMs: 600_000 });
    await it.client.mountList(it.signal);
    await it.fake.time.advance(539_000);
    await it.client.mountList(it.signal);
    expect(it.fake.countOf('GetToken')).toBe(1);
    await it.fake.time.advance(2000);
    await it.client.mountList(it.signal);
    expect(it.fake.countOf('GetToken')).toBe(2);
  });

  it('a token that is refused before its end is renewed once, for calls and for streams', async () => {
    await using it = await rig({ credentials });
    await it.client.mountList(it.signal);
    it.fake.accounts.revokeAll();
    await it.client.mountList(it.signal);
    it.fake.accounts.revokeAll();
    await Array.fromAsync(it.client.fsList('/115', 'cached', it.signal));
    expect(it.fake.countOf('GetToken')).toBe(3);
  });

  it('a server that refuses the newest token as well is not asked for ever', async () => {
    await using it = await rig({ credentials });
    it.fake.failNext('GetMountPoints', 16, 'invalid token', 2);
    expect(await faultOf(it.client.mountList(it.signal))).toMatchObject({
      kind: 'auth',
      code: 'clouddrive2.unauthenticated',
    });
    expect(it.fake.countOf('GetMountPoints')).toBe(2);
  });

  it('a refused API token is told at once, without its text', async () => {
    await using it = await rig({ credentials: { kind: 'token', token: 'revoked-secret' } });
    const fault = await faultOf(it.client.mountList(it.signal));
    expect(fault).toMatchObject({ kind: 'auth', code: 'clouddrive2.unauthenticated' });
    expect(fault.message).not.toContain('revoked-secret');
    expect(it.fake.countOf('GetMountPoints')).toBe(1);
  });

  it('a wrong password is told as that, and tried again by the next call only', async () => {
    await using it = await rig({ credentials: { ...credentials, password: 'wrong' } });
    const both = [faultOf(it.client.mountList(it.signal)), faultOf(it.client.mountList(it.signal))];
    for (const fault of await Promise.all(both))
      expect(fault).toMatchObject({ kind: 'auth', code: 'clouddrive2.bad_login' });
    expect(it.fake.countOf('GetToken')).toBe(1);
    await faultOf(it.client.mountList(it.signal));
    expect(it.fake.countOf('GetToken')).toBe(2);
  });

  it('a second factor is answered from its secret', async () => {
    const code = totpCode(RFC_SECRET, Date.parse('2026-03-01T00:00:00Z'));
    const accounts = [{ ...ACCOUNT, codes: [code] }];
    await using it = await rig({ accounts, credentials: { ...credentials, totpSecret: RFC_SECRET } });
    expect(await it.client.mountList(it.signal)).toEqual([]);
    await using without = await rig({ accounts, credentials });
    expect(await faultOf(without.client.mountList(without.signal))).toMatchObject({ code: 'clouddrive2.bad_login' });
  });

  it.each([
    [59_000, '287082'],
    [1_111_111_109_000, '081804'],
    [1_111_111_111_000, '050471'],
    [1_234_567_890_000, '005924'],
    [2_000_000_000_000, '279037'],
    [20_000_000_000_000, '353130'],
  ])('at %i ms the code of RFC 6238 is %s', (atMs, code) => {
    expect(totpCode(RFC_SECRET, atMs)).toBe(code);
  });

  it('a right that a token lacks is told by the name that the server gives it', async () => {
    const apiTokens = [{ token: 't', rootDir: '/', rights: ['allow_list' as const] }];
    await using it = await rig({ apiTokens, credentials: { kind: 'token', token: 't' } });
    const fault = await faultOf(it.client.mountList(it.signal));
    expect(fault).toMatchObject({ kind: 'auth', code: 'clouddrive2.no_right' });
    expect(fault.message).toContain('allow_get_mounts');
    expect(await it.client.serverVersion(it.signal)).toBeNull();
  });
});
