/** Stops the server that the global setup has started. */
// biome-ignore lint/style/noDefaultExport: jest asks for one
export default async function stopTestServer(): Promise<void> {
  await globalThis.stopTestServer();
}
