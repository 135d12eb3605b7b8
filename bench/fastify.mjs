// Fastify and pg as their documentation shows them, serving the same row by the same SQL; no token, log or metrics.
import Fastify from 'fastify';
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const app = Fastify();
app.get('/patients/:id', async (request, reply) => {
  const { rows } = await pool.query(process.env.PATIENT_SQL, [request.params.id]);
  if (rows[0] === undefined) return reply.code(404).send({ error: 'not found' });
  return JSON.parse(rows[0].json);
});
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
console.error('listening');
