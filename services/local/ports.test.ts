import { once } from 'node:events';
import { createServer } from 'node:net';
import { freePort } from './ports.ts';

// Linux gives those from 32768 on to outgoing connections, others those from 49152 on, the ones of a database's clients too.
test('a free port is none that an outgoing connection may get before somebody listens there', async () => {
  for (let count = 0; count < 50; count += 1) {
    const port = await freePort();
    expect(port).toBeGreaterThanOrEqual(1024);
    expect(port).toBeLessThan(32_768);
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    await new Promise((resolve) => server.close(resolve));
  }
});
