/** Which addresses are whose, in every spelling that a resolver or a URL has for them. */
import { describe, expect, test } from 'vitest';
import { type AddressKind, addressKind, isAddressAllowed, isUrlAllowed } from './address.ts';

const KINDS: Readonly<Record<AddressKind, readonly string[]>> = {
  public: [
    '1.1.1.1',
    '8.8.8.8',
    '100.63.255.255',
    '100.128.0.1',
    '172.15.0.1',
    '172.32.0.1',
    '192.167.1.1',
    '2606:4700:4700::1111',
    '2a00:1450:4001:81b::200e',
    '2001:4860:4860::8888',
    '::ffff:8.8.8.8',
    '::FFFF:808:808',
    '64:ff9b::808:808',
  ],
  private: [
    '127.0.0.1',
    '127.255.255.254',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '100.64.0.1',
    '::1',
    '0:0:0:0:0:0:0:1',
    'fc00::1',
    'fdab:cdef::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:192.168.1.1',
  ],
  never: [
    '0.0.0.0',
    '0.1.2.3',
    '169.254.169.254',
    '169.254.170.2',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    '192.0.2.1',
    '198.18.0.1',
    '198.51.100.7',
    '203.0.113.9',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::127.0.0.1',
    'fe80::1',
    'fe80::1%eth0',
    'ff02::1',
    'fd00:ec2::254',
    'fd20:ce::254',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '::ffff:0:127.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b::169.254.169.254',
    '64:ff9b:1::808:808',
    '2002:7f00:1::',
    '2001::1',
    '2001:db8::1',
    '3fff::1',
    '256.1.1.1',
    '1.1.1',
    '1.1.1.1.1',
    '0x7f.0.0.1',
    '',
    ':::',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '12345::',
    'localhost',
  ],
};

describe.each(Object.entries(KINDS))('%s', (kind, addresses) => {
  test.each(addresses)('%s', (address) => {
    expect(addressKind(address)).toBe(kind);
  });
});

test('a cloud posts by https to the internet alone, a machine also to its own network', () => {
  const reached = (reach: 'public' | 'near', protocol: string) =>
    ['8.8.8.8', '192.168.1.2', '169.254.169.254'].map((address) => isAddressAllowed(address, protocol, reach));
  expect(reached('public', 'https:')).toEqual([true, false, false]);
  expect(reached('public', 'http:')).toEqual([false, false, false]);
  expect(reached('near', 'https:')).toEqual([true, true, false]);
  expect(reached('near', 'http:')).toEqual([false, true, false]);
});

test.each([
  'https://example.com/hook',
  'https://example.com:8443/',
  'https://[2606:4700:4700::1111]/',
  'https://1.1.1.1/',
])('anybody may post to %s', (url) => {
  expect(isUrlAllowed(new URL(url), 'public')).toBe(true);
});

test.each([
  'http://example.com/',
  'https://localhost/',
  'https://localhost./',
  'https://a.localhost/',
  'https://printer/',
  'https://metadata.google.internal/',
  'https://nas.local/',
  'https://nas.home.arpa/',
  'https://127.0.0.1/',
  'https://2130706433/',
  'https://0x7f.1/',
  'https://0177.0.0.1/',
  'https://127.1/',
  'https://[::1]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[::ffff:7f00:1]/',
  'https://169.254.169.254/latest/meta-data',
  'https://１２７.0.0.1/',
  'ftp://example.com/',
])('a cloud does not post to %s', (url) => {
  expect(isUrlAllowed(new URL(url), 'public')).toBe(false);
});
