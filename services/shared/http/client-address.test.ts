import { clientAddress, readNetworks } from './client-address.ts';

const nobody = () => false;
const proxies = readNetworks('10.0.0.0/8, 192.0.2.7,fd00::/8');

describe('the address of a client', () => {
  test.each([
    ['is the one that connected, whatever a client writes', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['is the one that connected, without the header', '10.1.2.3', undefined, '10.1.2.3'],
    ['is what a proxy has added', '10.1.2.3', '203.0.113.9', '203.0.113.9'],
    [
      'is nothing that stands left of what a proxy has added',
      '10.1.2.3',
      '198.51.100.1, 203.0.113.9',
      '203.0.113.9',
    ],
    [
      'is before a chain of proxies',
      '10.1.2.3',
      '198.51.100.1,203.0.113.9 , 192.0.2.7,fd00::5',
      '203.0.113.9',
    ],
    ['is the leftmost where all are proxies', '10.1.2.3', '10.9.9.9, 192.0.2.7', '10.9.9.9'],
    ['is the proxy where what it has added is no address', '10.1.2.3', '203.0.113.9, unknown', '10.1.2.3'],
    ['is the proxy where a client has sent an empty header', '10.1.2.3', '', '10.1.2.3'],
    ['has one form, from a socket of both families', '::ffff:10.1.2.3', '::ffff:203.0.113.9', '203.0.113.9'],
    ['may be of the newer family', 'fd00::1', '2001:db8::9', '2001:db8::9'],
    ['is unknown when the client has gone', undefined, '203.0.113.9', undefined],
  ])('%s', (_what, connected, header, expected) => {
    expect(clientAddress(connected, header, proxies)).toBe(expected);
  });

  test('is the one that connected, while no proxy is trusted', () => {
    expect(clientAddress('10.1.2.3', '203.0.113.9', nobody)).toBe('10.1.2.3');
  });
});

describe('trusted networks', () => {
  test.each([
    'proxy',
    '10.0.0.0/8;10.0.0.1',
    '10.0.0.0/8,',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    '10.0.0/8',
    '10.0.0.0/33',
    'fd00::/129',
  ])('are not: %j', (text) => expect(() => readNetworks(text)).toThrow(/^TRUSTED_PROXIES must /));

  test('are none in an empty text', () => {
    expect(readNetworks('')('127.0.0.1')).toBe(false);
  });

  test('are compared by their bits', () => {
    const isTrusted = readNetworks('10.244.0.0/15');
    expect(['10.244.0.1', '10.245.255.255', '10.246.0.0', '10.243.255.255'].map(isTrusted)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});
