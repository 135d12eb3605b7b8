/** Stops the server that the global setup has started. */
export default async function stopTestServer(): Promise<void> {
  await globalThis.stopTestServer();
}
