// The limit: node:http and pg alone, the same row by the same SQL, pipelined on as many connections as ours shares.
import { createServer } from 'node:http';
import pg from 'pg';

const clients = await Promise.all(
  [1, 2].map(async () => {
    const client = new pg.Client({ connectionString: process.env.DATABASE_URL, pipeline: true });
    await client.connect();
    return client;
  }),
);
let turn = 0;

createServer(async (req, res) => {
  turn += 1;
  const id = req.url.slice('/patients/'.length);
  const { rows } = await clients[turn % clients.length].query({
    name: 'find',
    text: process.env.PATIENT_SQL,
    values: [id],
  });
  const json = rows[0]?.json ?? '{}';
  res.writeHead(rows[0] === undefined ? 404 : 200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(json),
  });
  res.end(json);
}).listen(Number(process.env.PORT), '127.0.0.1', () => console.error('listening'));
