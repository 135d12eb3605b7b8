// The stack that most tutorials end with, serving the same row by the same SQL; what ours is compared with.
import { readFileSync } from 'node:fs';
import compression from 'compression';
import express from 'express';
import helmet from 'helmet';
import { createLocalJWKSet, jwtVerify } from 'jose';
import pg from 'pg';
import { pinoHttp } from 'pino-http';
import prom from 'prom-client';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const duration = new prom.Histogram({
  name: 'http_request_duration_seconds',
  help: 'Duration',
  labelNames: ['method', 'route', 'status'],
});
prom.collectDefaultMetrics();

const app = express();
app.use(helmet());
app.use(compression());
app.use(pinoHttp());
app.use(express.json());
app.use((req, res, next) => {
  const end = duration.startTimer();
  res.on('finish', () =>
    end({ method: req.method, route: req.route?.path ?? 'unmatched', status: res.statusCode }),
  );
  next();
});
const [issuer] = JSON.parse(readFileSync(process.env.AUTH_ISSUERS_FILE, 'utf8'));
const keys = createLocalJWKSet(issuer.jwks);
app.use(async (req, _res, next) => {
  const token = (req.headers.authorization ?? '').replace(/^Bearer /, '');
  const { payload } = await jwtVerify(token, keys, { issuer: issuer.issuer, audience: issuer.audience });
  req.user = payload;
  next();
});
app.get('/patients/:id', async (req, res) => {
  const { rows } = await pool.query(process.env.PATIENT_SQL, [req.params.id]);
  const row = rows[0];
  if (row === undefined) res.status(404).json({ error: 'not found' });
  else res.json(JSON.parse(row.json));
});
app.listen(Number(process.env.PORT), '127.0.0.1', () => console.error('listening'));
