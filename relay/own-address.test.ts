import { expect, test } from 'vitest';
import { ownAddress } from './own-address.ts';

const at = (address: string, internal = false) => ({
  ...{ address, internal, netmask: '255.255.255.0', mac: '00:00:00:00:00:00', cidr: null },
  family: 'IPv4' as const,
});

test('it is the first address that others reach: neither loopback nor link-local, as a task of Fargate has one beside its own', () => {
  expect(ownAddress({ lo: [at('127.0.0.1', true)], eth0: [at('169.254.172.2')], eth1: [at('10.0.3.4')] })).toBe(
    '10.0.3.4',
  );
  expect(ownAddress({ lo: [at('127.0.0.1', true)] })).toBe('127.0.0.1');
});
