import { BlockList, isIP } from 'node:net';

/** Whether an address is that of a proxy whose word about its clients is believed. */
export type IsTrusted = (address: string) => boolean;

const familyOf = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/**
 * The proxies in these networks; none in an empty text.
 * @param text networks in CIDR notation or single addresses, with commas between them
 * @throws Error that names the variable that it is from
 */
export function readNetworks(text: string, name = 'TRUSTED_PROXIES'): IsTrusted {
  const networks = new BlockList();
  for (const network of text === '' ? [] : text.split(',').map((part) => part.trim())) {
    const [address = '', prefix, ...rest] = network.split('/');
    const bits = isIP(address) === 6 ? 128 : 32;
    if (isIP(address) === 0 || rest.length > 0 || !/^\d{1,3}$/.test(prefix ?? `${bits}`))
      throw new Error(`${name} must be networks such as 10.244.0.0/16, with commas between them`);
    if (Number(prefix ?? bits) > bits)
      throw new Error(`${name} must have prefixes of at most 32 bits, or 128 of IPv6`);
    networks.addSubnet(address, Number(prefix ?? bits), familyOf(address));
  }
  return (address) => networks.check(address, familyOf(address));
}

/** A socket for both families writes addresses of the older one in the newer's form (RFC 4291 §2.5.5.2). */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

/**
 * Who sent a request: the rightmost address that no trusted proxy has, of those that the proxies have added to X-Forwarded-For and
 * the one that connected. What stands left of it anybody could have written.
 */
export function clientAddress(
  connected: string | undefined,
  forwardedFor: string | undefined,
  isTrusted: IsTrusted,
): string | undefined {
  let client = connected === undefined ? undefined : plain(connected);
  let hops: string[] | undefined;
  while (client !== undefined && isTrusted(client)) {
    hops ??= (forwardedFor ?? '').split(',').map((hop) => plain(hop.trim()));
    const hop = hops.pop();
    if (hop === undefined || isIP(hop) === 0) break;
    client = hop;
  }
  return client;
}
