/** Waits until `look` gives something, at most `timeoutMs`; the condition's last error is the reason of a failure. */
export async function eventually<Result>(look: () => Promise<Result>, timeoutMs = 10_000): Promise<Result> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}
