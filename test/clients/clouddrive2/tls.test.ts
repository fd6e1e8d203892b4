import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createCloudDrive2Client } from '#clients/clouddrive2/client.ts';
import { davClient } from '#clients/clouddrive2/dav.ts';
import { ACCOUNT } from '../../fakes/clouddrive2/server.ts';
import { havePrograms } from '../../support/apt.ts';
import { faultOf, hasty, rig } from './rig.ts';

const haveOpenssl = await havePrograms({
  purpose: 'test of TLS to CloudDrive2',
  binaries: ['openssl'],
  packages: ['openssl'],
});
const folder = mkdtempSync(join(tmpdir(), 'clouddrive2-tls-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe.runIf(haveOpenssl)('TLS to CloudDrive2', () => {
  it('is spoken with a server that signed its own certificate, when we were given it, and with no other', async () => {
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject];
    execFileSync('openssl', [...made, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
    const tls = { certificate: readFileSync(certificate), key: readFileSync(key) };
    await using it = await rig({ tls });
    const options = {
      credentials: { kind: 'token', token: 'api-token-of-the-test' },
      time: hasty(it.fake.time),
    } as const;
    const url = `https://localhost:${it.fake.port}`;
    const trusting = createCloudDrive2Client({ ...options, address: { url, certificate: tls.certificate.toString() } });
    expect(await trusting.mountList(it.signal)).toEqual([]);
    trusting.close();
    const doubting = createCloudDrive2Client({ ...options, address: { url } });
    expect(await doubting.diagnose(it.signal)).toMatchObject({ kind: 'unreachable' });
    doubting.close();
    expect(await faultOf(it.client.startRemoteUpload(START, it.signal))).toMatchObject({ kind: 'transient' });
    const { url: davUrl } = await it.fake.openDav(tls);
    await davClient({ url: davUrl, ...ACCOUNT, certificate: tls.certificate.toString() }).probe(it.signal);
    const doubted = await faultOf(davClient({ url: davUrl, ...ACCOUNT }).probe(it.signal));
    expect(doubted).toMatchObject({ code: 'clouddrive2.dav_unreachable' });
  });
});

const START = { path: '/115/a', sizeBytes: 1, hashes: {}, hashing: 'by-us' } as const;
