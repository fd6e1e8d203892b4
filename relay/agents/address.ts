/** Where an agent comes from, as pace and refusals are counted: the IP alone. */

/** Of `::ffff:1.2.3.4`, as sockets that hear both families say it, the IPv4 address. */
export function bareAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, '');
}
