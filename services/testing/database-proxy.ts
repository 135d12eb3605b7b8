import { startProxy, type TcpProxy } from './tcp-proxy.ts';
import { postgresWire } from './wire.ts';

/** A way to a database that can fail, and the URL that goes by it. */
export async function startDatabaseProxy(databaseUrl: string): Promise<{ proxy: TcpProxy; url: string }> {
  const url = new URL(databaseUrl);
  const proxy = await startProxy(postgresWire, Number(url.port));
  url.port = String(proxy.port);
  return { proxy, url: url.href };
}
