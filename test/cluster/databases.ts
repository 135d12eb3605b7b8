import pg from 'pg';
import { kubectl, list, type Service } from './cluster.ts';
import { forwardPort } from './port-forward.ts';

export interface OpenDatabase {
  db: pg.Client;
  close: () => Promise<void>;
}

/** The owner's URL, as the migrating container has it. */
async function ownerUrl(service: Service): Promise<URL> {
  const [deployment] = await list('deployments', '-l', `app.kubernetes.io/name=${service}`);
  const volumes = deployment?.spec.template.spec.volumes as {
    name: string;
    secret?: { secretName: string };
  }[];
  const name = volumes.find((volume) => volume.name === 'database-owner')?.secret?.secretName ?? '';
  const secret = JSON.parse(await kubectl(['get', 'secret', name, '-o', 'json'])) as {
    data: { url: string };
  };
  return new URL(Buffer.from(secret.data.url, 'base64').toString());
}

/** Opens a service's database as its owner, through a port forward. */
export async function openDatabase(service: Service): Promise<OpenDatabase> {
  const forward = await forwardPort(`${service}-postgres-0`, 5432);
  const url = await ownerUrl(service);
  url.host = `127.0.0.1:${forward.port}`;
  const db = new pg.Client({ connectionString: url.href });
  // Its pod may be killed by a test.
  db.on('error', () => undefined);
  await db.connect();
  return {
    db,
    close: async () => {
      await db.end().catch(() => undefined);
      forward.close();
    },
  };
}
