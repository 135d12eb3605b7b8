import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { request } from 'undici';
import { messagesOf } from './messages.ts';

test('requests and answers reach the app as what it would have made of them', async () => {
  const app = express();
  const messages = messagesOf(app);
  app.get('/things/:id', (req, res) => void res.status(201).json({ id: req.params.id, host: req.hostname }));
  const before: unknown[] = [];
  const server = createServer(messages, app).prependListener('request', (req, res) => {
    before.push(Object.getPrototypeOf(req), Object.getPrototypeOf(res));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { statusCode, body } = await request(
    `http://127.0.0.1:${(server.address() as AddressInfo).port}/things/7`,
  );
  expect([statusCode, await body.json()]).toEqual([201, { id: '7', host: '127.0.0.1' }]);
  expect(before[0]).toBe(app.request);
  expect(before[1]).toBe(app.response);
  await new Promise((resolve) => server.close(resolve));
});
